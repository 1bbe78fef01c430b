//! Mail coming in: port 25, submission and LMTP (RFC 5321, RFC 6409, RFC 2033).
//!
//! Decides who may send what to whom, and when a message is taken: after the commit, never before. Mail goes to
//! local mailboxes only; there is no relaying. What a message is checked for while it comes in is in `incoming`, how
//! it gets to its mailboxes in `delivery`.
//!
//! A message has a name from MAIL on ([`TraceId`]): it is in the Received field, in the reply, and in the trace.

mod answer;
mod delivery;
mod greylisting;
mod header;
mod incoming;
mod recipients;
mod revise;
mod stamp;

use std::net::IpAddr;
use std::sync::Arc;

use posthaste_smtp::server::{
    Auth, AuthPrivacy, Config, Data, Event, HelloVerb, Mail, Mode, Rcpt, Server, TlsOffer,
};
use posthaste_smtp::{ClientName, Limits, Mechanism, ProtocolError, Rejection, ReversePath};
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;

use super::Context;
use super::login::{Exchanges, Login};
use crate::directory::{Account, Service};
use crate::trace::{self, State, TraceId};
use incoming::{Incoming, Submitted};
use recipients::Taken;

/// Serves one connection until it ends.
///
/// # Errors
///
/// How the connection ended, where it did not end in order.
pub async fn run(
    context: Context,
    mode: Mode,
    stream: Stream,
    role: Role,
) -> Result<(), Error<ProtocolError>> {
    let peer = stream.peer_addr().map(|address| address.ip().to_canonical());
    let host = context.config.hostname.parse::<ClientName>();
    let host =
        host.map_err(|error| std::io::Error::other(format!("hostname in the configuration: {error}")))?;
    let exchanges = Exchanges::new(&context, Service::Smtp, peer);
    let config = machine_config(&context, host, mode, &role, &exchanges, &stream);
    let machine = Server::new(config, stream.security(), Time::ZERO);
    let mut session = Session {
        context,
        mode,
        peer,
        connection: Connection::new(machine, stream, role),
        hello: None,
        exchanges,
        account: None,
        message: None,
        refusals: 0,
    };
    let ended = session.serve().await;
    let untold = session.refusals.saturating_sub(REFUSALS_TOLD_MAX);
    if untold > 0 {
        tracing::warn!(untold, "more senders and recipients were refused than the log and the trace have");
    }
    ended
}

fn machine_config(
    context: &Context,
    host: ClientName,
    mode: Mode,
    role: &Role,
    exchanges: &Exchanges,
    stream: &Stream,
) -> Config {
    let mut limits = Limits::default();
    let configured = context.limits();
    limits.message_max = configured.message_size;
    limits.recipients_max = usize::try_from(configured.recipients).unwrap_or(usize::MAX);
    let tls =
        if matches!(role, Role::Server { tls: Some(_) }) { TlsOffer::StartTls } else { TlsOffer::Absent };
    let mechanisms = match mode {
        Mode::Submission => {
            exchanges.names(&stream.channel()).filter_map(|name| name.parse::<Mechanism>().ok()).collect()
        }
        Mode::Mta | Mode::Lmtp => Vec::new(),
    };
    Config::new(mode, host)
        .with_limits(limits)
        .with_tls(tls)
        .with_mechanisms(mechanisms)
        .with_auth_requires_tls(if context.config.login.plaintext {
            AuthPrivacy::NotRequired
        } else {
            AuthPrivacy::Required
        })
}

struct Session {
    context: Context,
    mode: Mode,
    peer: Option<IpAddr>,
    connection: Connection<Server>,
    hello: Option<(ClientName, HelloVerb)>,
    exchanges: Exchanges,
    account: Option<Arc<Account>>,
    /// The transaction that is open. It is moved out at its end, whatever that is.
    message: Option<Message>,
    /// Senders and recipients that were refused.
    refusals: u32,
}

/// A message, from MAIL on.
struct Message {
    id: TraceId,
    from: ReversePath,
    /// The size that MAIL announced, in octets.
    announced: u64,
    /// Octets that its sender may send.
    size_max: Option<u64>,
    /// The recipients, in the order in which they were accepted.
    taken: Vec<Taken>,
    /// The content, from DATA on.
    content: Option<Incoming>,
}

impl Session {
    async fn serve(&mut self) -> Result<(), Error<ProtocolError>> {
        let mut shutdown = self.context.shutdown();
        let mut directory = self.context.directory.watch();
        loop {
            let event = tokio::select! {
                event = shutdown.next(&mut self.connection) => event?,
                // The directory goes with the process.
                Ok(()) = directory.changed(), if self.account.is_some() => {
                    self.look_up_account();
                    continue;
                }
            };
            let Some(event) = event else { return Ok(()) };
            self.handle(event).await?;
        }
    }

    /// The directory has changed: an account that is disabled, or has another password, has no sessions.
    fn look_up_account(&mut self) {
        let Some(account) = self.account.take() else { return };
        self.account = self.context.directory.still_allowed(&account, Service::Smtp);
        if self.account.is_none() {
            tracing::info!(user = %account.address, "ended: the account may not log in any more");
            let now = self.connection.now();
            self.connection.machine().shutdown(now);
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), Error<ProtocolError>> {
        match event {
            Event::Hello(hello) => self.hello = Some((hello.name, hello.verb)),
            Event::StartTls(start) => {
                start.accept(self.connection.machine())?;
                // What was said in clear does not count (RFC 3207 4.2).
                self.hello = None;
                self.account = None;
                self.exchanges.cancel();
                self.message = None;
            }
            Event::Auth(auth) => self.auth(auth).await?,
            Event::AuthCancelled => self.exchanges.cancel(),
            Event::Mail(mail) => self.mail(mail)?,
            Event::Rcpt(rcpt) => self.rcpt(rcpt).await?,
            Event::Data(data) => self.data(data).await?,
            Event::Body(chunk) => {
                if let Some(Message { content: Some(content), .. }) = &mut self.message {
                    content.take(&chunk).await;
                }
            }
            Event::BodyEnd(end) => self.body_end(end).await?,
            Event::BodyAborted(reason) => {
                if let Some(message) = self.message.take() {
                    self.tell(&message, State::Dropped, &format!("{reason:?}"));
                }
            }
            Event::Reset => self.message = None,
            Event::Violation(violation) => tracing::debug!(peer = ?self.peer, %violation, "violation"),
            _ => {}
        }
        Ok(())
    }

    async fn auth(&mut self, auth: Auth) -> Result<(), Error<ProtocolError>> {
        let channel = self.connection.channel();
        let begins = auth.is_start().then(|| auth.mechanism());
        let login = self.exchanges.step(&channel, begins, auth.response()).await;
        let now = self.connection.now();
        let server = self.connection.machine();
        match login {
            Login::Challenge(challenge) => auth.challenge(server, &challenge)?,
            Login::Accepted(account) => {
                self.account = Some(account);
                auth.accept(server)?;
            }
            Login::Refused => auth.reject(server, Rejection::credentials_invalid())?,
            Login::Banned => {
                auth.reject(server, Rejection::credentials_invalid())?;
                server.shutdown(now);
            }
            Login::Malformed => auth.malformed(server)?,
            Login::Unavailable => auth.reject(server, Rejection::authentication_unavailable())?,
        }
        Ok(())
    }

    fn mail(&mut self, mail: Mail) -> Result<(), Error<ProtocolError>> {
        let message = Message {
            id: TraceId::next(),
            from: mail.from().clone(),
            announced: mail.size().unwrap_or_default(),
            size_max: None,
            taken: Vec::new(),
            content: None,
        };
        match self.sender(&message) {
            Ok(size_max) => {
                self.message = Some(Message { size_max, ..message });
                mail.accept(self.connection.machine())?;
            }
            Err(rejection) => {
                self.message = None;
                self.refused(&message, &rejection);
                mail.reject(self.connection.machine(), rejection)?;
            }
        }
        Ok(())
    }

    /// Whether a message may begin: how large it may be.
    fn sender(&mut self, message: &Message) -> Result<Option<u64>, Rejection> {
        let mut size_max = None;
        if self.mode == Mode::Submission && self.account.is_none() {
            // One that was switched off meanwhile.
            return Err(Rejection::authentication_required());
        }
        if let Some(account) = self.account.take() {
            let directory = &self.context.directory;
            let account =
                directory.still_allowed(&account, Service::Smtp).ok_or_else(answer::no_longer_allowed)?;
            size_max = directory.message_size(&account);
            let own = match &message.from {
                ReversePath::Mailbox(mailbox) => {
                    recipients::address(mailbox).is_some_and(|from| directory.may_send_as(&account, &from))
                }
                // A receipt or the like. Its From is checked all the same.
                ReversePath::Null => true,
            };
            self.account = Some(account);
            if !own {
                return Err(Rejection::sender_denied());
            }
        }
        if size_max.is_some_and(|max| message.announced > max) {
            return Err(answer::larger_than_allowed());
        }
        if self.context.lacks_space_for(message.announced) {
            return Err(Rejection::no_storage());
        }
        Ok(size_max)
    }

    async fn rcpt(&mut self, rcpt: Rcpt) -> Result<(), Error<ProtocolError>> {
        let announced = self.message.as_ref().map_or(0, |message| message.announced);
        let taken = recipients::resolve(&self.context, self.account.as_deref(), rcpt.to(), announced).await;
        let taken = taken.and_then(|taken| self.greylist(taken));
        match (taken, &mut self.message) {
            (Ok(taken), Some(message)) => {
                message.taken.push(taken);
                rcpt.accept(self.connection.machine())?;
            }
            (Ok(_), None) => rcpt.reject(self.connection.machine(), Rejection::try_later())?,
            (Err(rejection), message) => {
                if let Some(message) = message.take() {
                    let event = trace::Event {
                        to: vec![rcpt.to().to_string()],
                        ..self.event(&message, State::Refused, &words(&rejection))
                    };
                    self.tell_refusal(event);
                    self.message = Some(message);
                }
                rcpt.reject(self.connection.machine(), rejection)?;
            }
        }
        Ok(())
    }

    /// Tells a refusal of a sender or a recipient, while there are not too many of them.
    fn tell_refusal(&mut self, event: trace::Event) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals <= REFUSALS_TOLD_MAX {
            self.context.trace.tell(event);
        }
    }

    async fn data(&mut self, data: Data) -> Result<(), Error<ProtocolError>> {
        let Some(mut message) = self.message.take() else {
            data.reject(self.connection.machine(), Rejection::try_later())?;
            return Ok(());
        };
        let directory = &self.context.directory;
        let mut limits = message.taken.iter().map(|taken| taken.size_max(directory));
        let size_max = match self.mode {
            // Each recipient stands alone: the message may be as large as one of them takes.
            Mode::Lmtp => limits.try_fold(0, |most, limit| limit.map(|limit| most.max(limit))),
            Mode::Mta | Mode::Submission => limits.flatten().min(),
        };
        let size_max = [size_max, message.size_max].into_iter().flatten().min();
        let trace = self.stamp(&message, data.transaction());
        let submitted = self.account.as_ref().map(|account| {
            Submitted::new(directory.clone(), Arc::clone(account), self.missing(&message, account))
        });
        let spool = self.context.store.spool();
        message.content = Some(Incoming::begin(spool, trace, submitted, size_max).await);
        self.message = Some(message);
        data.accept(self.connection.machine())?;
        Ok(())
    }

    fn refused(&mut self, message: &Message, rejection: &Rejection) {
        let event = self.event(message, State::Refused, &words(rejection));
        self.tell_refusal(event);
    }

    fn tell(&self, message: &Message, state: State, result: &str) {
        self.context.trace.tell(self.event(message, state, result));
    }

    fn event(&self, message: &Message, state: State, result: &str) -> trace::Event {
        let peer = self.peer.map(|peer| peer.to_string());
        let user = self.account.as_ref().map(|account| account.address.to_string());
        let service = match self.mode {
            Mode::Mta => "smtp",
            Mode::Submission => "submission",
            Mode::Lmtp => "lmtp",
        };
        trace::Event {
            service: service.to_owned(),
            peer: peer.into_iter().chain(user).collect::<Vec<_>>().join(" "),
            from: message.from.to_string(),
            to: message.taken.iter().map(|taken| taken.path.to_string()).collect(),
            result: result.to_owned(),
            ..trace::Event::new(message.id, state)
        }
    }
}

/// So many refusals of senders and recipients of one connection are told one by one.
const REFUSALS_TOLD_MAX: u32 = 100;

/// A rejection on one line, for the trace.
fn words(rejection: &Rejection) -> String {
    let reply = rejection.reply();
    let status = reply.enhanced().map(|status| format!(" {status}")).unwrap_or_default();
    format!("{}{status} {}", reply.code(), reply.lines().collect::<Vec<_>>().join(" "))
}
