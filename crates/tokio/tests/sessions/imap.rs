//! A message is stored and fetched, and then nothing happens for a while.

use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::client::{self, Client};
use posthaste_imap::server::{self, Access, Extensions, SelectData, SelectedFlags, Server, TlsOffer};
use posthaste_imap::types::{
    Condition, FetchAttribute, FetchItem, Flag, Mailbox, Payload, Section, SequenceSet,
};
use posthaste_tokio::{Security, Time};

use super::{CHALLENGE, Login, PASSWORD, PLAIN, Plan, RESPONSE, Rig, USER, message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub fn server(plan: Plan) -> Server {
    let mut config = server::Config::new("mail.example");
    config.tls = TlsOffer::StartTls;
    config.auth_requires_tls = server::AuthPrivacy::NotRequired;
    config.mechanisms = vec!["PLAIN".to_owned(), "CRAM-MD5".to_owned()];
    if plan.extra {
        config.extensions = Extensions::new().with_compress();
    }
    Server::new(config, Security::Plain, Time::ZERO)
}

pub fn client(plan: Plan) -> Client {
    let mut config = client::Config::default();
    config.tls = if plan.tls { client::TlsPolicy::Required } else { client::TlsPolicy::Off };
    config.auth_requires_tls = client::AuthPrivacy::NotRequired;
    Client::new(config, Security::Plain, Time::ZERO)
}

pub async fn serve(rig: &mut Rig<Server>) -> Result<(), Failure> {
    use server::Event;
    while let Some(event) = rig.next().await? {
        let server = rig.connection.machine();
        match event {
            Event::StartTls(token) => token.accept(server)?,
            Event::Login(login) => {
                assert_eq!(login.password().expose(), PASSWORD.as_bytes());
                login.ok(server)?;
            }
            Event::Auth(auth) => match auth.response() {
                Some(response) if response.expose() == PLAIN || response.expose() == RESPONSE => {
                    auth.accept(server)?;
                }
                None => auth.challenge(server, CHALLENGE)?,
                _ => auth.reject(server)?,
            },
            Event::Compress(compress) => compress.accept(server)?,
            Event::Append(append) => append.accept(server)?,
            Event::Body(chunk) => rig.notes.body.extend_from_slice(&chunk),
            Event::AppendEnd(end) => end.ok(server, NonZeroU32::MIN, NonZeroU32::MIN)?,
            Event::Select(select) => {
                let data = SelectData {
                    flags: SelectedFlags::default(),
                    exists: 1,
                    recent: 0,
                    unseen: None,
                    uid_validity: NonZeroU32::MIN,
                    uid_next: NonZeroU32::MIN.saturating_add(1),
                    access: Access::ReadWrite,
                };
                select.ok(server, data)?;
            }
            Event::Fetch(fetch) => {
                let row = fetch.begin().row(server, NonZeroU32::MIN)?;
                let whole = Payload::Section { section: Section::whole(), origin: None };
                let mut rest = Bytes::from(rig.notes.body.clone());
                let mut literal = row.literal(server, &whole, rest.len() as u64)?;
                while !rest.is_empty() {
                    rig.room().await?;
                    let piece = rest.slice(..rest.len().min(300));
                    match literal.write(rig.machine(), piece.clone()) {
                        Ok(()) => rest = rest.slice(piece.len()..),
                        Err(Misuse::Congested { .. }) => {}
                        Err(misuse) => return Err(misuse.into()),
                    }
                }
                let server = rig.connection.machine();
                literal.finish(server)?.finish(server)?.ok(server)?;
                rig.flush().await?;
            }
            Event::Idle(idle) => {
                idle.start(server)?;
                server.update(server::Update::Exists(2))?;
            }
            Event::Noop(noop) => noop.ok(server)?,
            Event::IdleDone(done) => done.ok(server)?,
            Event::AuthCancelled | Event::Id(_) | Event::Logout | Event::Violation(_) => {}
            event => panic!("{event:?}"),
        }
    }
    Ok(())
}

pub async fn use_mailbox(rig: &mut Rig<Client>, plan: Plan) -> Result<(), Failure> {
    use client::Event;
    let mut rest = Bytes::from(message(plan.lines));
    while let Some(event) = rig.next().await? {
        let client = rig.connection.machine();
        match event {
            Event::Ready => {
                match plan.login {
                    Login::Password => client.login(USER, PASSWORD.into())?,
                    Login::Initial => client.authenticate("PLAIN", Some(PLAIN.into()))?,
                    Login::Challenge => client.authenticate("CRAM-MD5", None)?,
                };
                if plan.extra {
                    client.compress_deflate()?;
                }
                client.append(Mailbox::inbox(), vec![Flag::Seen], None, rest.len() as u64)?;
                client.select(Mailbox::inbox(), Vec::new())?;
                let section =
                    FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
                client.fetch(SequenceSet::single(NonZeroU32::MIN), vec![section])?;
                client.idle()?;
            }
            Event::Challenge(challenge) => {
                assert_eq!(challenge.data().expose(), CHALLENGE);
                challenge.respond(client, RESPONSE.into())?;
            }
            Event::AppendReady(mut writer) => {
                while !rest.is_empty() {
                    rig.room().await?;
                    let piece = rest.slice(..rest.len().min(300));
                    match writer.write(rig.machine(), piece.clone()) {
                        Ok(()) => rest = rest.slice(piece.len()..),
                        Err(Misuse::Congested { .. }) => {}
                        Err(misuse) => return Err(misuse.into()),
                    }
                }
                writer.finish(rig.machine())?;
                rig.flush().await?;
            }
            Event::Body(chunk) => rig.notes.body.extend_from_slice(&chunk),
            Event::Item(FetchItem::Payload { data: Some(data), .. }) => {
                rig.notes.body.extend_from_slice(&data);
            }
            Event::Exists(2) => {
                client.done()?;
                client.logout()?;
            }
            Event::Done { status, .. } => assert_eq!(status.condition, Condition::Ok, "{status:?}"),
            Event::NotSent { why, .. } => return Err(why.into()),
            _ => {}
        }
    }
    Ok(())
}
