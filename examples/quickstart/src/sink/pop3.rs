//! Mail going out by POP3: the mailbox as it is at login. What is deleted is gone for all.

use std::sync::Arc;

use bytes::Bytes;
use posthaste_pop3::server::{AuthPrivacy, BodyWriter, Config, Event, Listed, Maildrop, Server, TlsOffer};
use posthaste_pop3::{MechanismName, Uidl};
use posthaste_tokio::{Accepted, Connection, Role, Time};
use rustls::ServerConfig;

use super::login::{self, Login, Step};
use super::mailbox::{Message, Shared};
use crate::{Outcome, Problem};

/// Speaks with one client.
pub(super) async fn session(
    mut accepted: Accepted,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
) -> Outcome {
    let mut config = Config::default();
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    config.mechanisms = login::mechanisms().map(MechanismName::new).collect::<Result<_, _>>()?;
    config.tls = if tls.is_some() { TlsOffer::StartTls } else { TlsOffer::Absent };
    let machine = Server::new(config, accepted.stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, accepted.stream, Role::Server { tls });
    let (mut exchange, mut messages) = (Login::default(), Vec::new());
    while let Some(event) = accepted.shutdown.next(&mut connection).await? {
        let channel = connection.channel();
        let server = connection.machine();
        match event {
            Event::StartTls(start) => start.accept(server)?,
            Event::Login(login) => {
                messages = shared.lock().messages.clone();
                login.accept(server, maildrop(&shared, &messages)?)?;
            }
            Event::Auth(auth) => {
                let begins = auth.is_start().then(|| auth.mechanism());
                match exchange.step(&channel, begins, auth.response()) {
                    Step::Challenge(challenge) => auth.challenge(server, &challenge)?,
                    Step::Malformed => auth.malformed(server)?,
                    Step::In => {
                        messages = shared.lock().messages.clone();
                        auth.accept(server, maildrop(&shared, &messages)?)?;
                    }
                }
            }
            Event::AuthCancelled => exchange.cancel(),
            Event::Retr(retr) => {
                let content = content(&messages, retr.index());
                let writer = retr.open(server)?;
                write(&mut connection, writer, content).await?;
            }
            Event::Top(top) => {
                let content = content(&messages, top.index());
                let writer = top.open(server)?;
                write(&mut connection, writer, content).await?;
            }
            Event::Quit(quit) => {
                let deleted = quit.deleted().iter().filter_map(|index| messages.get(*index));
                let uids: Vec<u32> = deleted.map(|message| message.uid.get()).collect();
                shared.remove(|message| uids.contains(&message.uid.get()));
                quit.done(server)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn maildrop(shared: &Shared, messages: &[Message]) -> Result<Maildrop, Problem> {
    let validity = shared.lock().uid_validity;
    let listed = |message: &Message| {
        let uidl = Uidl::new(&format!("{validity}-{}", message.uid))?;
        Ok(Listed { size: size(&message.content), uidl })
    };
    Ok(Maildrop::new(messages.iter().map(listed).collect::<Result<_, Problem>>()?)?)
}

fn content(messages: &[Message], index: usize) -> Bytes {
    messages.get(index).map(|message| message.content.clone()).unwrap_or_default()
}

/// Writes a message as fast as the client takes it.
async fn write(connection: &mut Connection<Server>, mut writer: BodyWriter, mut content: Bytes) -> Outcome {
    while !content.is_empty() && !writer.is_satisfied() {
        connection.room().await?;
        writer.write(connection.machine(), content.split_to(content.len().min(16 * 1024)))?;
    }
    Ok(writer.finish(connection.machine())?)
}

/// What RETR will send: every line end, whatever it was in APPEND, as CR LF.
fn size(content: &[u8]) -> u64 {
    let mut octets = 0_u64;
    let mut before = b'\n';
    for octet in content {
        octets = octets.saturating_add(match (before, octet) {
            (b'\r', b'\n') => 0,
            (_, b'\r' | b'\n') => 2,
            _ => 1,
        });
        before = *octet;
    }
    octets.saturating_add(if matches!(before, b'\r' | b'\n') { 0 } else { 2 })
}
