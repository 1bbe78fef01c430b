//! Mail coming in: port 25, submission and LMTP (RFC 5321, RFC 6409, RFC 2033).
//!
//! Decides who may send what to whom, and when a message is taken: after the commit, never before. Mail goes to
//! local mailboxes only; there is no relaying.

mod hops;

use std::net::IpAddr;

use jiff::Timestamp;
use posthaste_smtp::server::{
    AuthPrivacy, BodyEnd, Config, Event, HelloVerb, Mail, Mode, Rcpt, Server, TlsOffer,
};
use posthaste_smtp::{
    ClientName, EnhancedStatus, ForwardPath, Limits, Mailbox, Mechanism, ProtocolError, Rejection,
    ReversePath, Text, Transaction,
};
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;

use super::Context;
use super::login::{self, Exchanges, Login};
use crate::directory::{Account, Address, DirectoryError};
use crate::store::{AccountId, Flags, InternalDate, Spool, StoreError};
use hops::Hops;

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
    let peer = stream.peer_addr().map(|address| address.ip());
    let host = context.config.hostname.parse::<ClientName>();
    let host =
        host.map_err(|error| std::io::Error::other(format!("hostname in the configuration: {error}")))?;
    let machine = Server::new(machine_config(&context, host, mode, &role), stream.security(), Time::ZERO);
    let mut session = Session {
        context,
        mode,
        peer,
        connection: Connection::new(machine, stream, role),
        hello: None,
        exchanges: Exchanges::default(),
        account: None,
        accepted: Vec::new(),
        announced: 0,
        spool: None,
        hops: Hops::default(),
    };
    session.serve().await
}

fn machine_config(context: &Context, host: ClientName, mode: Mode, role: &Role) -> Config {
    let mut limits = Limits::default();
    limits.message_max = context.config.limits.message_size;
    limits.recipients_max = usize::try_from(context.config.limits.recipients).unwrap_or(usize::MAX);
    let tls =
        if matches!(role, Role::Server { tls: Some(_) }) { TlsOffer::StartTls } else { TlsOffer::Absent };
    let mechanisms = match mode {
        Mode::Submission => login::mechanisms().filter_map(|name| name.parse::<Mechanism>().ok()).collect(),
        Mode::Mta | Mode::Lmtp => Vec::new(),
    };
    Config::new(mode, host)
        .with_limits(limits)
        .with_tls(tls)
        .with_mechanisms(mechanisms)
        .with_auth_requires_tls(AuthPrivacy::Required)
}

struct Session {
    context: Context,
    mode: Mode,
    peer: Option<IpAddr>,
    connection: Connection<Server>,
    hello: Option<(ClientName, HelloVerb)>,
    exchanges: Exchanges,
    account: Option<Account>,
    /// The accounts of the recipients, in the order in which they were accepted.
    accepted: Vec<AccountId>,
    /// The size that MAIL announced, in octets.
    announced: u64,
    /// The message that is coming in, or why it cannot be kept.
    spool: Option<Result<Spool, StoreError>>,
    hops: Hops,
}

impl Session {
    async fn serve(&mut self) -> Result<(), Error<ProtocolError>> {
        let mut shutdown = self.context.shutdown();
        while let Some(event) = shutdown.next(&mut self.connection).await? {
            self.handle(event).await?;
        }
        Ok(())
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
                self.forget();
            }
            Event::Auth(auth) => {
                let (directory, channel) = (&self.context.directory, self.connection.channel());
                let begins = auth.is_start().then(|| auth.mechanism());
                let login = self.exchanges.step(directory, &channel, begins, auth.response()).await;
                let server = self.connection.machine();
                match login {
                    Login::Challenge(challenge) => auth.challenge(server, &challenge)?,
                    Login::Accepted(account) => {
                        self.account = Some(account);
                        auth.accept(server)?;
                    }
                    Login::Refused => auth.reject(server, Rejection::credentials_invalid())?,
                    Login::Malformed => auth.malformed(server)?,
                    Login::Unavailable => auth.reject(server, Rejection::authentication_unavailable())?,
                }
            }
            Event::AuthCancelled => self.exchanges.cancel(),
            Event::Mail(mail) => self.mail(mail)?,
            Event::Rcpt(rcpt) => self.rcpt(rcpt).await?,
            Event::Data(data) => {
                let mut spool = self.context.store.spool();
                self.hops = Hops::default();
                let trace = self.trace_fields(data.transaction());
                self.spool = Some(spool.write(trace.as_bytes()).await.map(|()| spool));
                data.accept(self.connection.machine())?;
            }
            Event::Body(chunk) => {
                self.hops.read(&chunk);
                if let Some(Ok(spool)) = &mut self.spool
                    && let Err(error) = spool.write(&chunk).await
                {
                    tracing::error!(%error, "message cannot be spooled");
                    self.spool = Some(Err(error));
                }
            }
            Event::BodyEnd(end) => self.body_end(end).await?,
            Event::BodyAborted(reason) => {
                tracing::info!(peer = ?self.peer, ?reason, "message dropped before it was complete");
                self.forget();
            }
            Event::Reset => self.forget(),
            Event::Violation(violation) => tracing::debug!(peer = ?self.peer, %violation, "violation"),
            _ => {}
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.spool = None;
        self.accepted.clear();
    }

    /// A user sends under the own address only.
    fn mail(&mut self, mail: Mail) -> Result<(), Error<ProtocolError>> {
        self.forget();
        self.announced = mail.size().unwrap_or_default();
        let allowed = match (&self.account, mail.from()) {
            (Some(account), ReversePath::Mailbox(mailbox)) => {
                address(mailbox).is_some_and(|address| address == account.address)
            }
            _ => true,
        };
        let server = self.connection.machine();
        if allowed {
            mail.accept(server)?;
        } else {
            tracing::info!(from = %mail.from(), "sender refused: not the address of the user");
            mail.reject(server, Rejection::sender_denied())?;
        }
        Ok(())
    }

    async fn rcpt(&mut self, rcpt: Rcpt) -> Result<(), Error<ProtocolError>> {
        match self.recipient(rcpt.to()).await {
            Ok(account) => {
                self.accepted.push(account);
                rcpt.accept(self.connection.machine())?;
            }
            Err(rejection) => {
                let reply = rejection.reply();
                tracing::info!(peer = ?self.peer, to = %rcpt.to(), code = reply.code(), "recipient refused");
                rcpt.reject(self.connection.machine(), rejection)?;
            }
        }
        Ok(())
    }

    /// The account that gets mail for this path.
    async fn recipient(&self, path: &ForwardPath) -> Result<AccountId, Rejection> {
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "recipient could not be looked up");
            Rejection::try_later()
        };
        let found = match path.mailbox() {
            Some(mailbox) => {
                let domain = mailbox.domain();
                if !self.context.directory.serves(domain).await.map_err(|error| unavailable(&error))? {
                    return Err(Rejection::relay_denied());
                }
                let address = address(mailbox).ok_or_else(Rejection::no_such_user)?;
                self.context.directory.account(&address).await
            }
            None => self.postmaster().await,
        };
        let account = found.map_err(|error| unavailable(&error))?.ok_or_else(Rejection::no_such_user)?;
        // RFC 1870 6.1: a client that says how much it brings learns here that there is no room for it.
        if account.has_room(self.announced.max(1)) { Ok(account.id) } else { Err(Rejection::mailbox_full()) }
    }

    /// `<postmaster>` without a domain: the one of this host, else of any domain served here (RFC 5321 4.5.1).
    async fn postmaster(&self) -> Result<Option<Account>, DirectoryError> {
        let directory = &self.context.directory;
        let domains = directory.domains().await?;
        for domain in std::iter::once(&self.context.config.hostname).chain(&domains) {
            let Ok(address) = Address::parse(&format!("postmaster@{domain}")) else { continue };
            if let Some(account) = directory.account(&address).await? {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    async fn body_end(&mut self, end: BodyEnd) -> Result<(), Error<ProtocolError>> {
        let accepted = std::mem::take(&mut self.accepted);
        if self.hops.is_loop() {
            tracing::warn!(from = %end.transaction().from(), peer = ?self.peer, "message refused: it goes in circles");
            self.forget();
            let looping = Rejection::new(554, EnhancedStatus::new(5, 4, 6).ok(), "Too many hops");
            end.reject(self.connection.machine(), looping.unwrap_or_else(|_| Rejection::denied()))?;
            return Ok(());
        }
        let spooled = match self.spool.take() {
            Some(Ok(spool)) => spool.finish().await,
            Some(Err(error)) => Err(error),
            None => Err(StoreError::Closed),
        };
        let mut unique = accepted.clone();
        unique.sort_unstable();
        unique.dedup();
        let date = InternalDate::now();
        let from = end.transaction().from().clone();
        let size = end.size();
        let store = &self.context.store;
        let server = self.connection.machine();
        if self.mode == Mode::Lmtp {
            let outcome = match spooled {
                Ok(message) => store.deliver_each(&unique, message, Flags::default(), date).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(outcomes) => {
                    let results = accepted.iter().map(|account| {
                        let at = unique.binary_search(account).ok();
                        match at.and_then(|at| outcomes.get(at)) {
                            Some(Ok(_)) => Ok(()),
                            Some(Err(error)) => Err(rejection(error)),
                            None => Err(Rejection::try_later()),
                        }
                    });
                    let results: Vec<_> = results.collect();
                    let delivered = results.iter().filter(|result| result.is_ok()).count();
                    tracing::info!(%from, size, delivered, recipients = results.len(), "message delivered");
                    end.finish(server, results)?;
                }
                Err(error) => {
                    tracing::error!(%from, size, %error, "message not delivered");
                    end.reject(server, rejection(&error))?;
                }
            }
            return Ok(());
        }
        let outcome = match spooled {
            Ok(message) => store.deliver(&unique, message, Flags::default(), date).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(delivered) => {
                let id = delivered
                    .first()
                    .map_or_else(String::new, |first| format!("{}.{}", first.mailbox, first.uid));
                tracing::info!(%id, %from, size, recipients = delivered.len(), peer = ?self.peer, "message delivered");
                match format!("OK delivered {id}").parse::<Text>() {
                    Ok(text) => end.accept_with(server, &text)?,
                    Err(_) => end.accept(server)?,
                }
            }
            Err(error) => {
                tracing::error!(%from, size, %error, peer = ?self.peer, "message not delivered");
                end.reject(server, rejection(&error))?;
            }
        }
        Ok(())
    }

    /// What the delivering server puts in front of a message (RFC 5321 4.4).
    fn trace_fields(&self, transaction: &Transaction) -> String {
        let host = &self.context.config.hostname;
        let name = self.hello.as_ref().map_or("unknown", |(name, _)| name.as_str());
        let peer = self.peer.map_or_else(
            || "unknown".to_owned(),
            |ip| match ip {
                IpAddr::V4(ip) => format!("[{ip}]"),
                IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
            },
        );
        let date = rfc5322_date(Timestamp::now());
        let for_one = match transaction.recipients() {
            [one] => format!("\r\n\tfor {}", one.path),
            _ => String::new(),
        };
        let with = self.with_protocol();
        let from = transaction.from();
        format!(
            "Return-Path: {from}\r\nReceived: from {name} ({peer})\r\n\tby {host} with {with}{for_one};\r\n\t{date}\r\n"
        )
    }

    /// The name of the protocol in a Received field (RFC 3848).
    fn with_protocol(&self) -> &'static str {
        let tls = self.connection.security().is_tls();
        let extended = self.hello.as_ref().is_some_and(|(_, verb)| *verb != HelloVerb::Helo);
        match (self.mode, extended, tls, self.account.is_some()) {
            (Mode::Lmtp, _, false, _) => "LMTP",
            (Mode::Lmtp, _, true, _) => "LMTPS",
            (_, false, ..) => "SMTP",
            (_, true, false, false) => "ESMTP",
            (_, true, false, true) => "ESMTPA",
            (_, true, true, false) => "ESMTPS",
            (_, true, true, true) => "ESMTPSA",
        }
    }
}

fn address(mailbox: &Mailbox) -> Option<Address> {
    Address::parse(&format!("{}@{}", mailbox.local_part(), mailbox.domain())).ok()
}

fn rejection(error: &StoreError) -> Rejection {
    match error {
        StoreError::OverQuota { .. } => Rejection::mailbox_full(),
        StoreError::Full => Rejection::no_storage(),
        StoreError::NoSuchAccount => Rejection::no_such_user(),
        _ => Rejection::try_later(),
    }
}

/// A date as header fields have it (RFC 5322 3.3), in UTC.
fn rfc5322_date(now: Timestamp) -> String {
    now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}
