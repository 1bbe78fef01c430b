//! Mail going out by POP3 (RFC 1939): the INBOX of an account, exclusively, as it was at login.
//!
//! Messages are removed at QUIT, durably, before the client is told so; a session that ends in any other way
//! removes nothing.

use posthaste_pop3::server::{
    AuthPrivacy, BodyWriter, Config, Event, Listed, LoginRefusal, Maildrop, RetrieveRefusal, Server, TlsOffer,
};
use posthaste_pop3::{MechanismName, ProtocolError, Uidl};
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;

use super::login::{self, Exchanges, Login};
use super::{Context, cut};
use crate::directory::Account;
use crate::store::{Expunge, MailboxId, MailboxName, MaildropLock, MessageMeta, StoreError, uidl};

/// Serves one connection until it ends.
///
/// # Errors
///
/// How the connection ended, where it did not end in order.
pub async fn run(context: Context, stream: Stream, role: Role) -> Result<(), Error<ProtocolError>> {
    let machine = Server::new(machine_config(&context, &role), stream.security(), Time::ZERO);
    let mut session = Session {
        context,
        connection: Connection::new(machine, stream, role),
        exchanges: Exchanges::default(),
        opened: None,
    };
    session.serve().await
}

fn machine_config(context: &Context, role: &Role) -> Config {
    let mut config = Config::default();
    config.greeting = format!("{} POP3 ready", context.config.hostname);
    config.mechanisms = login::mechanisms().filter_map(|name| MechanismName::new(name).ok()).collect();
    if matches!(role, Role::Server { tls: Some(_) }) {
        config.tls = TlsOffer::StartTls;
    }
    config.auth_requires_tls = AuthPrivacy::Required;
    config
}

struct Session {
    context: Context,
    connection: Connection<Server>,
    exchanges: Exchanges,
    opened: Option<Opened>,
}

/// A maildrop that this session holds.
struct Opened {
    mailbox: MailboxId,
    messages: Vec<MessageMeta>,
    _lock: MaildropLock,
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
            Event::StartTls(start) => {
                self.exchanges.cancel();
                start.accept(self.connection.machine())?;
            }
            Event::Login(login) => {
                let verdict =
                    login::verify(&self.context.directory, login.user().as_str(), login.password()).await;
                match self.open(verdict).await {
                    Ok(maildrop) => login.accept(self.connection.machine(), maildrop)?,
                    Err(refusal) => login.reject(self.connection.machine(), refusal)?,
                }
            }
            Event::Auth(auth) => {
                let (directory, channel) = (&self.context.directory, self.connection.channel());
                let begins = auth.is_start().then(|| auth.mechanism());
                let step = self.exchanges.step(directory, &channel, begins, auth.response()).await;
                match step {
                    Login::Challenge(challenge) => auth.challenge(self.connection.machine(), &challenge)?,
                    Login::Malformed => auth.malformed(self.connection.machine())?,
                    step => match self.open(step).await {
                        Ok(maildrop) => auth.accept(self.connection.machine(), maildrop)?,
                        Err(refusal) => auth.reject(self.connection.machine(), refusal)?,
                    },
                }
            }
            Event::AuthCancelled => self.exchanges.cancel(),
            Event::Retr(retr) => match self.content(retr.index()) {
                None => retr.reject(self.connection.machine(), RetrieveRefusal::Gone)?,
                Some(meta) => match self.context.store.read_blob(meta.blob, 0..u64::MAX).await {
                    Ok(reader) => {
                        let writer = retr.open(self.connection.machine())?;
                        self.send(writer, reader).await?;
                    }
                    Err(error) => retr.reject(self.connection.machine(), refusal(&error))?,
                },
            },
            Event::Top(top) => match self.content(top.index()) {
                None => top.reject(self.connection.machine(), RetrieveRefusal::Gone)?,
                Some(meta) => match self.context.store.read_blob(meta.blob, 0..u64::MAX).await {
                    Ok(reader) => {
                        let writer = top.open(self.connection.machine())?;
                        self.send(writer, reader).await?;
                    }
                    Err(error) => top.reject(self.connection.machine(), refusal(&error))?,
                },
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

    /// Opens the maildrop of whoever has logged in.
    async fn open(&mut self, login: Login) -> Result<Maildrop, LoginRefusal> {
        match login {
            Login::Accepted(account) => self.lock(&account).await,
            Login::Refused | Login::Malformed | Login::Challenge(_) => Err(LoginRefusal::Credentials),
            Login::Unavailable => Err(LoginRefusal::Temporary),
        }
    }

    async fn lock(&mut self, account: &Account) -> Result<Maildrop, LoginRefusal> {
        let store = &self.context.store;
        let lock = store.lock_maildrop(account.id).ok_or(LoginRefusal::InUse)?;
        let temporary = |error: StoreError| {
            tracing::error!(%error, user = %account.address, "maildrop cannot be opened");
            LoginRefusal::Temporary
        };
        let mailbox = store.mailbox(account.id, &MailboxName::inbox()).await.map_err(temporary)?;
        let messages = store.snapshot(mailbox.id).await.map_err(temporary)?;
        let listed = messages.iter().filter_map(|meta| {
            let uidl = Uidl::new(&uidl(mailbox.uidvalidity, meta.uid)).ok()?;
            Some(Listed { size: meta.size, uidl })
        });
        let maildrop = Maildrop::new(listed.collect()).map_err(|error| {
            tracing::error!(%error, user = %account.address, "maildrop cannot be served");
            LoginRefusal::Permanent
        })?;
        self.opened = Some(Opened { mailbox: mailbox.id, messages, _lock: lock });
        Ok(maildrop)
    }

    fn content(&self, index: usize) -> Option<MessageMeta> {
        self.opened.as_ref()?.messages.get(index).cloned()
    }

    async fn send(
        &mut self,
        mut writer: BodyWriter,
        mut reader: crate::store::BlobReader,
    ) -> Result<(), Error<ProtocolError>> {
        while !writer.is_satisfied() {
            match reader.next_chunk().await {
                Ok(Some(chunk)) => {
                    self.connection.room().await?;
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

    async fn remove(&self, indices: &[usize]) -> Result<(), StoreError> {
        let Some(opened) = &self.opened else { return Ok(()) };
        let uids: Vec<u32> =
            indices.iter().filter_map(|index| opened.messages.get(*index)).map(|meta| meta.uid).collect();
        if !uids.is_empty() {
            let removed = self.context.store.expunge(opened.mailbox, Expunge::Uids(uids)).await?;
            tracing::info!(messages = removed.len(), "messages removed by POP3");
        }
        Ok(())
    }
}

fn refusal(error: &StoreError) -> RetrieveRefusal {
    match error {
        StoreError::NoSuchMessage => RetrieveRefusal::Gone,
        _ => RetrieveRefusal::Temporary,
    }
}
