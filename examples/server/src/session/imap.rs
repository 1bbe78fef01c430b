//! Mail kept by IMAP (RFC 9051, RFC 3501): one session of one user.
//!
//! Decides what the commands do to the store and what the client is told of it. The client's picture of the
//! selected mailbox (`selected`) changes only when it is told, and it is told at the end of commands and in IDLE.

mod content;
mod convert;
mod fetch;
mod mailbox;
mod message;
mod search;
mod selected;

use posthaste_imap::ProtocolError;
use posthaste_imap::server::{Asked, Config, Event, Refusal, Server, TlsOffer};
use posthaste_imap::types::Login as LoginCommand;
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;

use super::Context;
use super::login::{self, Exchanges, Login};
use crate::directory::Account;
use crate::store::{Spool, Store, StoreError};
use selected::{Seen, Selected};

/// Serves one connection until it ends.
///
/// # Errors
///
/// How the connection ended, where it did not end in order.
pub async fn run(context: Context, stream: Stream, role: Role) -> Result<(), Error<ProtocolError>> {
    let mut config = Config::new(context.config.hostname.clone());
    config.tls =
        if matches!(role, Role::Server { tls: Some(_) }) { TlsOffer::StartTls } else { TlsOffer::Absent };
    config.mechanisms = login::mechanisms().map(String::from).collect();
    config.limits.append_max = context.config.limits.message_size;
    let machine = Server::new(config, stream.security(), Time::ZERO);
    let mut session = Session {
        context,
        connection: Connection::new(machine, stream, role),
        exchanges: Exchanges::default(),
        account: None,
        selected: None,
        append: None,
        idling: false,
    };
    session.serve().await
}

type Outcome = Result<(), Error<ProtocolError>>;

struct Session {
    context: Context,
    connection: Connection<Server>,
    exchanges: Exchanges,
    account: Option<Account>,
    selected: Option<Selected>,
    append: Option<Arriving>,
    idling: bool,
}

/// A message that APPEND brings.
struct Arriving {
    mailbox: crate::store::Mailbox,
    flags: crate::store::Flags,
    date: crate::store::InternalDate,
    spool: Result<Spool, StoreError>,
}

impl Session {
    async fn serve(&mut self) -> Outcome {
        let mut shutdown = self.context.shutdown();
        loop {
            let watching = self.idling && self.selected.is_some();
            let event = tokio::select! {
                event = shutdown.next(&mut self.connection) => event?,
                alive = selected::changed(&mut self.selected), if watching => {
                    if alive { self.sync().await } else { self.mailbox_gone() }
                    continue;
                }
            };
            let Some(event) = event else { return Ok(()) };
            self.handle(event).await?;
        }
    }

    async fn handle(&mut self, event: Event) -> Outcome {
        match event {
            Event::StartTls(start) => {
                self.exchanges.cancel();
                start.accept(self.connection.machine())?;
            }
            Event::Login(login) => self.login(login).await?,
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
                    Login::Refused => auth.reject(server)?,
                    Login::Malformed => auth.malformed(server)?,
                    Login::Unavailable => auth.unavailable(server)?,
                }
            }
            Event::AuthCancelled => self.exchanges.cancel(),
            Event::Noop(noop) => {
                self.sync().await;
                noop.ok(self.connection.machine())?;
            }
            Event::Idle(idle) => {
                self.idling = true;
                idle.start(self.connection.machine())?;
                self.sync().await;
            }
            Event::IdleDone(done) => {
                self.idling = false;
                self.sync().await;
                done.ok(self.connection.machine())?;
            }
            Event::Namespace(asked) => self.namespace(asked)?,
            Event::List(list) => self.list(list).await?,
            Event::Lsub(lsub) => self.lsub(lsub).await?,
            Event::Subscribe(asked) => self.subscribe(asked).await?,
            Event::Unsubscribe(asked) => self.unsubscribe(asked).await?,
            Event::Create(create) => self.create(create).await?,
            Event::Delete(delete) => self.delete(delete).await?,
            Event::Rename(rename) => self.rename(rename).await?,
            Event::Status(status) => self.status(status).await?,
            Event::Select(select) => self.select(select).await?,
            Event::Close(close) => self.close(close).await?,
            Event::Unselect(unselect) => {
                self.selected = None;
                unselect.ok(self.connection.machine())?;
            }
            Event::Append(append) => self.append(append).await?,
            Event::Body(chunk) => {
                if let Some(Arriving { spool: kept @ Ok(_), .. }) = &mut self.append
                    && let Ok(spool) = kept
                    && let Err(error) = spool.write(&chunk).await
                {
                    *kept = Err(error);
                }
            }
            Event::BodyAborted => self.append = None,
            Event::AppendEnd(end) => self.append_end(end).await?,
            Event::Fetch(fetch) => self.fetch(fetch).await?,
            Event::Store(store) => self.store(store).await?,
            Event::Copy(copy) => self.copy(copy).await?,
            Event::Move(moved) => self.move_messages(moved).await?,
            Event::Expunge(expunge) => self.expunge(expunge).await?,
            Event::Search(search) => self.search(search).await?,
            Event::Id(parameters) => tracing::debug!(?parameters, "client"),
            Event::Violation(violation) => tracing::debug!(%violation, "violation"),
            _ => {}
        }
        Ok(())
    }

    async fn login(&mut self, login: Asked<LoginCommand>) -> Outcome {
        let user = login.user().to_string_lossy();
        match login::verify(&self.context.directory, &user, login.password()).await {
            Login::Accepted(account) => {
                self.account = Some(account);
                login.ok(self.connection.machine())?;
            }
            Login::Unavailable => login.no(self.connection.machine(), Refusal::unavailable())?,
            Login::Refused | Login::Malformed | Login::Challenge(_) => {
                login.refuse(self.connection.machine())?;
            }
        }
        Ok(())
    }

    /// Tells the client what has changed in the selected mailbox, as far as it may be told now.
    async fn sync(&mut self) {
        let Some(selected) = &mut self.selected else { return };
        let server = self.connection.machine();
        let may_expunge = server.may_expunge();
        if !selected.is_stale(may_expunge) {
            return;
        }
        selected.look();
        match look(&self.context.store, selected, server.is_read_only()).await {
            Ok(seen) => {
                for update in selected.update(seen, may_expunge) {
                    // Refused only where too many wait, and none does that may be sent at once.
                    if let Err(misuse) = server.update(update) {
                        tracing::error!(%misuse, "an update was not taken");
                    }
                }
            }
            Err(StoreError::NoSuchMailbox) => self.mailbox_gone(),
            Err(error) => tracing::error!(%error, "mailbox cannot be read"),
        }
    }

    /// The selected mailbox was deleted by somebody: the client cannot go on in it (RFC 2180 3).
    fn mailbox_gone(&mut self) {
        self.selected = None;
        self.idling = false;
        let now = self.connection.now();
        self.connection.machine().end(now, Refusal::new("The selected mailbox has been deleted"));
    }
}

/// Asks the store what is new in the selected mailbox. New messages become `\Recent` to this session if to no
/// other before.
async fn look(store: &Store, selected: &mut Selected, is_read_only: bool) -> Result<Seen, StoreError> {
    let news = store.changed_since(selected.mailbox, selected.modseq()).await?;
    let seen = if selected.misses_any(&news) {
        Seen::All(store.snapshot(selected.mailbox).await?)
    } else {
        Seen::Changed(news.changed)
    };
    if seen.metas().last().is_some_and(|last| last.uid > selected.view.largest_uid()) {
        selected.add_recent(if is_read_only {
            store.unclaimed_recent(selected.mailbox).await?
        } else {
            store.claim_recent(selected.mailbox).await?
        });
    }
    Ok(seen)
}

/// What a client is told when the store refuses.
fn refusal(error: &StoreError) -> Refusal {
    match error {
        StoreError::NoSuchMailbox => Refusal::nonexistent(),
        StoreError::AlreadyExists => Refusal::already_exists(),
        StoreError::OverQuota { .. } => Refusal::over_quota(),
        StoreError::HasChildren => {
            Refusal::new("Mailbox has children").with_code(posthaste_imap::types::ResponseCode::HasChildren)
        }
        StoreError::InboxStays | StoreError::IntoItself | StoreError::Name(_) => Refusal::cannot(),
        StoreError::UidsExhausted | StoreError::TooManyMailboxes(_) | StoreError::TooManyKeywords(_) => {
            Refusal::new("Limit reached").with_code(posthaste_imap::types::ResponseCode::Limit)
        }
        error => {
            tracing::error!(%error, "command failed");
            Refusal::unavailable()
        }
    }
}
