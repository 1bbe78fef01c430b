//! A message is submitted.

use bytes::Bytes;
use posthaste_smtp::client::{self, Chunking, Client, TlsPolicy};
use posthaste_smtp::server::{self, Server, TlsOffer};
use posthaste_smtp::{Envelope, Misuse, Rejection};
use posthaste_tokio::{Security, Time};

use super::{CHALLENGE, Login, PLAIN, Plan, RESPONSE, Rig, message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub fn server() -> Server {
    let config = server::Config::new(server::Mode::Submission, "mail.example".parse().unwrap())
        .with_tls(TlsOffer::StartTls)
        .with_auth_requires_tls(server::AuthPrivacy::NotRequired)
        .with_mechanisms(vec!["PLAIN".parse().unwrap(), "CRAM-MD5".parse().unwrap()]);
    Server::new(config, Security::Plain, Time::ZERO)
}

pub fn client(plan: Plan) -> Client {
    let config = client::Config::new(client::Mode::Smtp, "laptop.example".parse().unwrap())
        .with_tls(if plan.tls { TlsPolicy::Required } else { TlsPolicy::Off })
        .with_auth_requires_tls(client::AuthPrivacy::NotRequired)
        .with_chunking(if plan.extra { Chunking::Auto } else { Chunking::Never });
    Client::new(config, Security::Plain, Time::ZERO)
}

pub async fn serve(rig: &mut Rig<Server>) -> Result<(), Failure> {
    use server::Event;
    while let Some(event) = rig.next().await? {
        let server = rig.connection.machine();
        match event {
            Event::StartTls(token) => token.accept(server)?,
            Event::Auth(auth) => match auth.response() {
                Some(response) if response.expose() == PLAIN || response.expose() == RESPONSE => {
                    auth.accept(server)?;
                }
                None => auth.challenge(server, CHALLENGE)?,
                _ => auth.reject(server, Rejection::credentials_invalid())?,
            },
            Event::Mail(mail) => mail.accept(server)?,
            Event::Rcpt(rcpt) => rcpt.accept(server)?,
            Event::Data(data) => data.accept(server)?,
            Event::Body(chunk) => rig.notes.body.extend_from_slice(&chunk),
            Event::BodyEnd(end) => {
                end.accept(server)?;
                rig.flush().await?;
            }
            _ => {}
        }
    }
    Ok(())
}

pub async fn submit(rig: &mut Rig<Client>, plan: Plan) -> Result<(), Failure> {
    use client::Event;
    let envelope = Envelope::new(
        "<ursel@mail.example>".parse()?,
        ["<hans@mail.example>".parse()?, "<eva@mail.example>".parse()?],
    );
    let (mut writing, mut rest) = (None, Bytes::from(message(plan.lines)));
    while let Some(event) = rig.next().await? {
        let client = rig.connection.machine();
        match event {
            Event::Ready(_) => match plan.login {
                Login::Challenge => client.authenticate("CRAM-MD5".parse()?, None)?,
                Login::Password | Login::Initial => {
                    client.authenticate("PLAIN".parse()?, Some(PLAIN.into()))?;
                }
            },
            Event::Challenge(challenge) => {
                assert_eq!(challenge.challenge().expose(), CHALLENGE);
                challenge.respond(client, RESPONSE.into())?;
            }
            Event::Authenticated => drop(client.send(envelope.clone())?),
            Event::Body(writer) => writing = Some(writer),
            Event::Sent(report) => {
                assert!(report.is_complete(), "{report:?}");
                client.quit();
            }
            _ => {}
        }
        while let Some(mut writer) = writing.take() {
            if rest.is_empty() {
                writer.finish(rig.machine())?;
                rig.flush().await?;
                break;
            }
            rig.room().await?;
            let piece = rest.slice(..rest.len().min(300));
            match writer.write(rig.machine(), piece.clone()) {
                Ok(()) => rest = rest.slice(piece.len()..),
                Err(Misuse::Congested { .. }) => {}
                Err(Misuse::Unanswered) => {
                    writing = Some(writer);
                    break;
                }
                Err(misuse) => return Err(misuse.into()),
            }
            writing = Some(writer);
        }
    }
    assert!(rest.is_empty());
    Ok(())
}
