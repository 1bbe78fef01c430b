//! Two messages are fetched, and one of them is deleted.

use bytes::Bytes;
use posthaste_pop3::client::{self, Client};
use posthaste_pop3::server::{self, Listed, LoginRefusal, Maildrop, Server};
use posthaste_pop3::{MessageNumber, Misuse, Uidl};
use posthaste_tokio::{Security, Time};

use super::{CHALLENGE, Login, PASSWORD, PLAIN, Plan, RESPONSE, Rig, USER, message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub fn server() -> Server {
    let mut config = server::Config::default();
    config.tls = server::TlsOffer::StartTls;
    config.auth_requires_tls = server::AuthPrivacy::NotRequired;
    config.mechanisms =
        ["PLAIN", "CRAM-MD5"].map(|name| posthaste_pop3::MechanismName::new(name).unwrap()).into();
    Server::new(config, Security::Plain, Time::ZERO)
}

pub fn client(plan: Plan) -> Client {
    let mut config = client::Config::default();
    config.tls = if plan.tls { client::TlsPolicy::Required } else { client::TlsPolicy::Off };
    Client::new(config, Security::Plain, Time::ZERO)
}

fn maildrop(plan: Plan) -> Maildrop {
    let sizes = [message(1).len(), message(plan.lines).len()];
    let listed = (1..)
        .zip(sizes)
        .map(|(number, size)| Listed { size: size as u64, uidl: Uidl::new(&format!("id{number}")).unwrap() });
    Maildrop::new(listed.collect()).unwrap()
}

pub async fn serve(rig: &mut Rig<Server>, plan: Plan) -> Result<(), Failure> {
    use server::Event;
    while let Some(event) = rig.next().await? {
        let server = rig.connection.machine();
        match event {
            Event::StartTls(token) => token.accept(server)?,
            Event::Login(login) if login.password().expose() == PASSWORD.as_bytes() => {
                login.accept(server, maildrop(plan))?;
            }
            Event::Auth(auth) => match auth.response() {
                Some(response) if response.expose() == PLAIN || response.expose() == RESPONSE => {
                    auth.accept(server, maildrop(plan))?;
                }
                None => auth.challenge(server, CHALLENGE)?,
                _ => auth.reject(server, LoginRefusal::Credentials)?,
            },
            Event::Retr(retr) => {
                let message = Bytes::from(message([1, plan.lines][retr.index()]));
                let mut writer = retr.open(server)?;
                let mut rest = message;
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
            Event::Quit(quit) => quit.done(server)?,
            _ => {}
        }
    }
    Ok(())
}

pub async fn fetch(rig: &mut Rig<Client>, plan: Plan) -> Result<(), Failure> {
    use client::Event;
    let mut login = None;
    while let Some(event) = rig.next().await? {
        let client = rig.connection.machine();
        match event {
            Event::Ready { .. } => {
                login = Some(match plan.login {
                    Login::Password => client.login(USER, PASSWORD.into())?,
                    Login::Initial => client.authenticate("PLAIN", Some(PLAIN.into()))?,
                    Login::Challenge => client.authenticate("CRAM-MD5", None)?,
                });
            }
            Event::Reply { id, reply } if login == Some(id) => {
                assert!(reply.is_ok(), "{reply:?}");
                login = None;
                client.uidl()?;
                for number in [1, 2] {
                    client.retr(MessageNumber::new(number).unwrap())?;
                }
                client.dele(MessageNumber::new(1).unwrap())?;
                client.quit()?;
            }
            Event::Challenge(challenge) => {
                assert_eq!(challenge.challenge().expose(), CHALLENGE);
                challenge.respond(client, &RESPONSE.into())?;
            }
            Event::Body { chunk, .. } => rig.notes.body.extend_from_slice(&chunk),
            _ => {}
        }
    }
    Ok(())
}
