//! Mail coming in by SMTP: every sender, every message, octet by octet as it was sent.

use std::sync::Arc;

use bytes::BytesMut;
use posthaste_imap::types::{DateTime, Flags};
use posthaste_smtp::server::{AuthPrivacy, Config, Event, Mode, Server, TlsOffer};
use posthaste_smtp::{ForwardPath, Mechanism, Rejection};
use posthaste_tokio::{Accepted, Connection, Role, Time};
use rustls::ServerConfig;

use super::login::{self, Login, Step};
use super::mailbox::{self, Shared};
use crate::Outcome;

/// Speaks with one client.
pub(super) async fn session(
    mut accepted: Accepted,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
) -> Outcome {
    let offer = if tls.is_some() { TlsOffer::StartTls } else { TlsOffer::Absent };
    let config = Config::new(Mode::Mta, "localhost".parse()?)
        .with_tls(offer)
        .with_mechanisms(login::mechanisms().map(str::parse::<Mechanism>).collect::<Result<_, _>>()?)
        .with_auth_requires_tls(AuthPrivacy::NotRequired);
    let machine = Server::new(config, accepted.stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, accepted.stream, Role::Server { tls });
    let (mut login, mut message) = (Login::default(), BytesMut::new());
    while let Some(event) = accepted.shutdown.next(&mut connection).await? {
        let channel = connection.channel();
        let private = connection.security().is_private();
        let server = connection.machine();
        match event {
            Event::StartTls(start) => start.accept(server)?,
            Event::Auth(auth) => {
                let begins = auth.is_start().then(|| auth.mechanism());
                match login.step(&channel, begins, auth.response()) {
                    Step::Challenge(challenge) => auth.challenge(server, &challenge)?,
                    Step::In => auth.accept(server)?,
                    Step::Malformed => auth.malformed(server)?,
                }
            }
            Event::AuthCancelled => login.cancel(),
            Event::Mail(mail) => mail.accept(server)?,
            // So that programs can be tested with a recipient who is refused.
            Event::Rcpt(rcpt) => match rcpt.to() {
                ForwardPath::Mailbox(to) if to.local_part() == "nobody" => {
                    rcpt.reject(server, Rejection::no_such_user())?;
                }
                _ => rcpt.accept(server)?,
            },
            Event::Data(data) => data.accept(server)?,
            Event::Body(chunk) => message.extend_from_slice(&chunk),
            Event::BodyAborted(_) => message.clear(),
            Event::BodyEnd(end) => {
                let (octets, content) = (message.len(), message.split().freeze());
                let to: Vec<_> =
                    end.transaction().recipients().iter().map(|to| to.path.to_string()).collect();
                let from = end.transaction().from().to_string();
                let received = DateTime::from_unix_seconds(mailbox::now(), 0)?;
                // It is in memory only: an answer that lasts as long as the process does.
                match shared.add(content, Flags::new(), received) {
                    Some(_) => end.accept(server)?,
                    None => end.reject(server, Rejection::no_storage())?,
                }
                let way = if private { "in private" } else { "in the clear" };
                shared.log(&format!("{octets} octets from {from} to {}, {way}", to.join(" ")));
            }
            _ => {}
        }
    }
    Ok(())
}
