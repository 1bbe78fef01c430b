//! Mail going out by POP3 (RFC 1939): the INBOX of an account, exclusively, as it was at login.
//!
//! What a client marks as deleted leaves INBOX at QUIT, durably, before the client is told so; a session that ends in
//! any other way takes nothing away. Whether it is then gone or in another mailbox is the server's policy
//! ([`config::Pop3`](crate::config::Pop3)), and so is whether a message that was fetched counts as read. Messages that
//! are expunged by somebody else meanwhile can be had until they are purged. UTF8 (RFC 6856) is not offered: whoever
//! offers it has to refuse or rewrite messages with raw UTF-8 in their header for everybody else.

mod ahead;
mod delay;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use delay::LastLogins;

use ahead::Ahead;

use posthaste_pop3::server::{
    Auth, AuthPrivacy, BodyWriter, Config, Event, Listed, LoginRefusal, Maildrop, RetrieveRefusal, Server,
    TlsOffer,
};
use posthaste_pop3::{Announced, MechanismName, ProtocolError, Retention, Scope, Uidl};
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;
use tokio_util::sync::CancellationToken;

use super::login::{Exchanges, Login};
use super::{Context, cut};
use crate::directory::{Account, Service};
use crate::index::Picture;
use crate::store::{
    BlobId, Content, Expunge, FlagMask, Flags, MailboxId, MailboxName, MaildropLock, StoreError, StoreFlags,
    StoreMode, SystemFlags, uidl,
};

/// Serves one connection until it ends.
///
/// # Errors
///
/// How the connection ended, where it did not end in order.
pub async fn run(context: Context, stream: Stream, role: Role) -> Result<(), Error<ProtocolError>> {
    let peer: Option<IpAddr> = stream.peer_addr().map(|address| address.ip().to_canonical());
    let exchanges = Exchanges::new(&context, Service::Pop3, peer);
    let machine =
        Server::new(machine_config(&context, &role, &exchanges, &stream), stream.security(), Time::ZERO);
    let mut session =
        Session { context, connection: Connection::new(machine, stream, role), exchanges, opened: None };
    session.serve().await
}

fn machine_config(context: &Context, role: &Role, exchanges: &Exchanges, stream: &Stream) -> Config {
    let policy = &context.config.pop3;
    let mut config = Config::default();
    config.greeting = format!("{} POP3 ready", context.config.hostname);
    config.mechanisms =
        exchanges.names(&stream.channel()).filter_map(|name| MechanismName::new(name).ok()).collect();
    if matches!(role, Role::Server { tls: Some(_) }) {
        config.tls = TlsOffer::StartTls;
    }
    if context.config.login.plaintext {
        config.auth_requires_tls = AuthPrivacy::NotRequired;
    }
    let expire = policy.expire_days.map_or(Retention::Forever, Retention::Days);
    config.expire = Some(Announced { value: expire, scope: Scope::Exact });
    config.login_delay = delay(context).map(|value| Announced { value, scope: Scope::Exact });
    config
}

/// How long a user has to wait between two logins.
fn delay(context: &Context) -> Option<Duration> {
    context.config.pop3.login_delay.map(|seconds| Duration::from_secs(seconds.into()))
}

struct Session {
    context: Context,
    connection: Connection<Server>,
    exchanges: Exchanges,
    opened: Option<Opened>,
}

/// The maildrop of whoever is logged in.
struct Opened {
    account: Arc<Account>,
    mailbox: MailboxId,
    /// INBOX as it was at login.
    messages: Arc<Picture>,
    ahead: Ahead,
    lock: MaildropLock,
}

impl Opened {
    /// The UID of a message by its position, from 0.
    fn uid(&self, index: usize) -> Option<u32> {
        self.messages.rows_from(index).next().map(|(_, row)| row.uid)
    }
}

impl Session {
    async fn serve(&mut self) -> Result<(), Error<ProtocolError>> {
        let mut shutdown = self.context.shutdown();
        let mut directory = self.context.directory.watch();
        let mut is_ending = false;
        loop {
            let lost = self.opened.as_ref().map(|opened| opened.lock.lost().clone()).filter(|_| !is_ending);
            let event = tokio::select! {
                biased;
                () = cancelled(lost.as_ref()) => None,
                Ok(()) = directory.changed(), if !is_ending => None,
                event = shutdown.next(&mut self.connection) => match event? {
                    Some(event) => Some(event),
                    None => return Ok(()),
                },
            };
            // Nothing else changes the answer, and to ask costs more than many a command.
            let is_news = event.is_none()
                || directory.has_changed().unwrap_or(true)
                || lost.is_some_and(|lost| lost.is_cancelled());
            if is_news && !is_ending && !self.is_allowed() {
                tracing::info!("the maildrop may not be used any more: the session ends");
                is_ending = true;
                let now = self.connection.now();
                self.connection.machine().shutdown(now);
            }
            match event {
                // Not even answered: its sender has no business here any more.
                Some(_) if is_ending => return Ok(()),
                Some(event) => self.handle(event).await?,
                None => {}
            }
        }
    }

    /// Whether the session still has its maildrop, and its account may still be used.
    fn is_allowed(&self) -> bool {
        let directory = &self.context.directory;
        self.opened.as_ref().is_none_or(|opened| {
            !opened.lock.lost().is_cancelled()
                && directory.still_allowed(&opened.account, Service::Pop3).is_some()
        })
    }

    async fn handle(&mut self, event: Event) -> Result<(), Error<ProtocolError>> {
        match event {
            Event::StartTls(start) => {
                self.exchanges.cancel();
                start.accept(self.connection.machine())?;
            }
            Event::Login(login) => {
                let verdict = self.exchanges.verify(login.user().as_str(), login.password()).await;
                let is_banned = matches!(verdict, Login::Banned);
                match self.open(verdict).await {
                    Ok(maildrop) => login.accept(self.connection.machine(), maildrop)?,
                    Err(refusal) => login.reject(self.connection.machine(), refusal)?,
                }
                self.end_if(is_banned);
            }
            Event::Auth(auth) => self.auth(auth).await?,
            Event::AuthCancelled => self.exchanges.cancel(),
            Event::Retr(retr) => match self.content(retr.index()).await {
                Ok((uid, content)) => {
                    let writer = retr.open(self.connection.machine())?;
                    self.send(writer, content).await?;
                    self.fetched(uid).await;
                }
                Err(refusal) => retr.reject(self.connection.machine(), refusal)?,
            },
            Event::Top(top) => match self.content(top.index()).await {
                Ok((_, content)) => {
                    let writer = top.open(self.connection.machine())?;
                    self.send(writer, content).await?;
                }
                Err(refusal) => top.reject(self.connection.machine(), refusal)?,
            },
            Event::Quit(quit) => {
                let removed = self.remove(quit.deleted()).await;
                let server = self.connection.machine();
                match removed {
                    Ok(()) => quit.done(server)?,
                    Err(error) => {
                        tracing::error!(%error, "deleted messages were not removed");
                        quit.failed(server)?;
                    }
                }
            }
            Event::Violation(violation) => tracing::debug!(%violation, "violation"),
            _ => {}
        }
        Ok(())
    }

    async fn auth(&mut self, auth: Auth) -> Result<(), Error<ProtocolError>> {
        let channel = self.connection.channel();
        let begins = auth.is_start().then(|| auth.mechanism());
        match self.exchanges.step(&channel, begins, auth.response()).await {
            Login::Challenge(challenge) => auth.challenge(self.connection.machine(), &challenge)?,
            Login::Malformed => auth.malformed(self.connection.machine())?,
            verdict => {
                let is_banned = matches!(verdict, Login::Banned);
                match self.open(verdict).await {
                    Ok(maildrop) => auth.accept(self.connection.machine(), maildrop)?,
                    Err(refusal) => auth.reject(self.connection.machine(), refusal)?,
                }
                self.end_if(is_banned);
            }
        }
        Ok(())
    }

    fn end_if(&mut self, is_banned: bool) {
        if is_banned {
            let now = self.connection.now();
            self.connection.machine().shutdown(now);
        }
    }

    /// Opens the maildrop of whoever has logged in.
    async fn open(&mut self, login: Login) -> Result<Maildrop, LoginRefusal> {
        match login {
            Login::Accepted(account) => self.lock(account).await,
            Login::Refused | Login::Banned | Login::Malformed | Login::Challenge(_) => {
                Err(LoginRefusal::Credentials)
            }
            Login::Unavailable => Err(LoginRefusal::Temporary),
        }
    }

    async fn lock(&mut self, account: Arc<Account>) -> Result<Maildrop, LoginRefusal> {
        let (store, index) = (&self.context.store, &self.context.index);
        let lock = self.context.maildrops.lock(account.id).ok_or(LoginRefusal::InUse)?;
        if delay(&self.context).is_some_and(|delay| !self.context.pop3_logins.may_come(account.id, delay)) {
            return Err(LoginRefusal::TooSoon);
        }
        let temporary = |error: StoreError| {
            tracing::error!(%error, user = %account.address, "maildrop cannot be opened");
            LoginRefusal::Temporary
        };
        // Somebody who asks for mail every few minutes finds what was read for the one before.
        let mailbox = index.named(store, account.id, &MailboxName::inbox()).await.map_err(temporary)?;
        let messages = index.open(store, mailbox.id).await.map_err(temporary)?.picture();
        let blobs = messages.rows().map(|(_, row)| row.blob).collect();
        let longer: BTreeMap<BlobId, u64> =
            store.sizes_on_lines(blobs).await.map_err(temporary)?.into_iter().collect();
        let listed = messages.rows().filter_map(|(_, row)| {
            let uidl = Uidl::new(&uidl(messages.uidvalidity, row.uid)).ok()?;
            Some(Listed { size: longer.get(&row.blob).copied().unwrap_or(row.size), uidl })
        });
        let maildrop = Maildrop::new(listed.collect()).map_err(|error| {
            tracing::error!(%error, user = %account.address, "maildrop cannot be served");
            LoginRefusal::Permanent
        })?;
        self.opened = Some(Opened { account, mailbox: mailbox.id, messages, ahead: Ahead::default(), lock });
        Ok(maildrop)
    }

    /// The content of a message, and its UID.
    async fn content(&mut self, index: usize) -> Result<(u32, Content), RetrieveRefusal> {
        let opened = self.opened.as_mut().ok_or(RetrieveRefusal::Gone)?;
        let uid = opened.uid(index).ok_or(RetrieveRefusal::Gone)?;
        match opened.ahead.content(&*self.context.store, &opened.messages, index).await {
            Ok(content) => Ok((uid, content)),
            Err(StoreError::NoSuchMessage) => Err(RetrieveRefusal::Gone),
            Err(error) => {
                tracing::error!(%error, "a message cannot be read");
                Err(RetrieveRefusal::Temporary)
            }
        }
    }

    async fn send(
        &mut self,
        mut writer: BodyWriter,
        mut content: Content,
    ) -> Result<(), Error<ProtocolError>> {
        while !writer.is_satisfied() {
            match content.next_chunk().await {
                Ok(Some(chunk)) => {
                    // What fits leaves with what is behind it: a small message with its reply, in one write.
                    if self.connection.machine_ref().is_congested() {
                        self.connection.room().await?;
                    }
                    writer.write(self.connection.machine(), chunk)?;
                }
                Ok(None) => break,
                Err(error) => {
                    // Half a message must not pass for a whole one.
                    writer.abort(self.connection.machine())?;
                    return Err(cut(&error).into());
                }
            }
        }
        writer.finish(self.connection.machine())?;
        Ok(())
    }

    /// A whole message was sent: with that it is read, where the policy says so. The client has it in any case.
    async fn fetched(&self, uid: u32) {
        let Some(opened) = &self.opened else { return };
        if !self.context.config.pop3.mark_seen {
            return;
        }
        let seen = StoreFlags {
            uids: vec![uid],
            mode: StoreMode::Add,
            flags: Flags::from(SystemFlags::SEEN),
            unchanged_since: None,
            known: None,
        };
        if let Err(error) = self.context.store.store_flags(opened.mailbox, seen).await {
            tracing::warn!(%error, "a message that was fetched stays unread");
        }
    }

    /// Takes messages out of INBOX, all or none.
    async fn remove(&self, indices: &[usize]) -> Result<(), StoreError> {
        let Some(opened) = &self.opened else { return Ok(()) };
        let uids: Vec<u32> = indices.iter().filter_map(|index| opened.uid(*index)).collect();
        if uids.is_empty() {
            return Ok(());
        }
        if opened.lock.lost().is_cancelled() {
            return Err(StoreError::Busy);
        }
        let store = &self.context.store;
        let messages = match &self.context.config.pop3.deleted_to {
            None => store.expunge(opened.mailbox, Expunge::Uids(uids)).await?.uids.len(),
            Some(name) => {
                let to = self.mailbox(opened.account.id, name).await?;
                let room = self.context.directory.room(&opened.account);
                store.move_messages(opened.mailbox, uids, to, room, FlagMask::ALL).await?.sources.len()
            }
        };
        tracing::info!(user = %opened.account.address, messages, "messages taken out of INBOX by POP3");
        Ok(())
    }

    /// The mailbox of this name, made where there is none.
    async fn mailbox(
        &self,
        account: crate::store::AccountId,
        name: &MailboxName,
    ) -> Result<MailboxId, StoreError> {
        let store = &self.context.store;
        match store.mailbox(account, name).await {
            Err(StoreError::NoSuchMailbox) => match store.create_mailbox(account, name, None).await {
                Err(StoreError::AlreadyExists) => Ok(store.mailbox(account, name).await?.id),
                made => Ok(made?.id),
            },
            found => Ok(found?.id),
        }
    }
}

/// Waits until a maildrop is taken away; for ever where there is none.
async fn cancelled(lost: Option<&CancellationToken>) {
    match lost {
        Some(lost) => lost.cancelled().await,
        None => std::future::pending().await,
    }
}
