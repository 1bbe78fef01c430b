//! Mail kept by IMAP (RFC 9051, RFC 3501): one session of one user.
//!
//! Decides what the commands do to the store and what the client is told of it. What a client knows of the selected
//! mailbox is a picture of the index (`selected`) that moves on only when the client is told; it is told at the
//! beginning and at the end of commands, in IDLE, and as NOTIFY asks for.
//!
//! A session that waits is small: what a command needs is in the future of the command, on the heap, and goes with it.

mod access;
mod acl;
mod append;
mod compared;
mod convert;
mod facts;
mod fetch;
mod list;
mod mailbox;
mod message;
mod metadata;
mod notify;
mod offer;
mod patience;
mod quota;
mod reading;
mod search;
mod select;
mod selected;
mod sort;
mod verb;

use std::sync::Arc;

use posthaste_imap::ProtocolError;
use posthaste_imap::server::{Asked, AuthPrivacy, Event, Refusal, Server, TlsOffer};
use posthaste_imap::types::{Login as LoginCommand, ResponseCode, UidSet};
use posthaste_tokio::{Connection, Error, Role, Stream};
use posthaste_wire::Time;
use tokio::sync::watch;

use super::Context;
use super::login::{Exchanges, Login};
use crate::directory::{Account, Service};
use crate::metrics;
use crate::store::StoreError;
use append::Arriving;
use notify::Notifying;
use selected::Selected;

/// Serves one connection until it ends.
///
/// # Errors
///
/// How the connection ended, where it did not end in order.
pub async fn run(context: Context, stream: Stream, role: Role) -> Result<(), Error<ProtocolError>> {
    let tls =
        if matches!(role, Role::Server { tls: Some(_) }) { TlsOffer::StartTls } else { TlsOffer::Absent };
    let peer = stream.peer_addr().map(|address| address.ip());
    let exchanges = Exchanges::new(&context, Service::Imap, peer);
    let mechanisms = exchanges.names(&stream.channel()).map(String::from).collect();
    let message_max = context.limits().message_size;
    let mut config = offer::config(&context.config.hostname, tls, mechanisms, message_max);
    if context.config.login.plaintext {
        config.auth_requires_tls = AuthPrivacy::NotRequired;
    }
    let machine = Server::new(config, stream.security(), Time::ZERO);
    let directory = context.directory.watch();
    let mut session = Session {
        context,
        connection: Connection::new(machine, stream, role),
        exchanges: Some(Box::new(exchanges)),
        directory,
        account: None,
        message_max,
        selected: None,
        saved: UidSet::default(),
        append: None,
        notify: None,
        idling: false,
    };
    session.serve().await
}

type Outcome = Result<(), Error<ProtocolError>>;

struct Session {
    context: Context,
    connection: Connection<Server>,
    /// While nobody is logged in.
    exchanges: Option<Box<Exchanges>>,
    directory: watch::Receiver<u64>,
    account: Option<Arc<Account>>,
    /// Octets of a message that may be appended.
    message_max: u64,
    selected: Option<Box<Selected>>,
    /// `$` (RFC 5182).
    saved: UidSet,
    append: Option<Box<Arriving>>,
    notify: Option<Box<Notifying>>,
    idling: bool,
}

impl Session {
    async fn serve(&mut self) -> Outcome {
        let mut shutdown = self.context.shutdown();
        loop {
            let watching = self.idling || self.notify.is_some();
            let event = tokio::select! {
                event = shutdown.next(&mut self.connection) => event?,
                () = selected::changed(&mut self.selected), if watching => {
                    Box::pin(self.sync()).await?;
                    continue;
                }
                news = notify::next(&mut self.notify), if watching => {
                    Box::pin(self.heard(news)).await?;
                    continue;
                }
                // The directory goes with the process.
                Ok(()) = self.directory.changed(), if self.account.is_some() => {
                    self.look_up_account();
                    if watching {
                        Box::pin(self.sync()).await?;
                    }
                    continue;
                }
            };
            let Some(event) = event else { return Ok(()) };
            Box::pin(self.handle(event)).await?;
        }
    }

    async fn handle(&mut self, event: Event) -> Outcome {
        if let Some(command) = verb::of(&event) {
            metrics::imap_command(command);
        }
        match event {
            Event::StartTls(start) => {
                if let Some(exchanges) = &mut self.exchanges {
                    exchanges.cancel();
                }
                start.accept(self.connection.machine())?;
            }
            Event::Login(login) => self.login(login).await?,
            Event::Auth(auth) => self.authenticate(auth).await?,
            Event::AuthCancelled => {
                if let Some(exchanges) = &mut self.exchanges {
                    exchanges.cancel();
                }
            }
            Event::Unauthenticate(asked) => {
                self.forget();
                asked.ok(self.connection.machine())?;
            }
            Event::Compress(compress) => compress.accept(self.connection.machine())?,
            Event::Noop(noop) => {
                self.sync().await?;
                noop.ok(self.connection.machine())?;
            }
            Event::Idle(idle) => {
                self.idling = true;
                idle.start(self.connection.machine())?;
                self.sync().await?;
            }
            Event::IdleDone(done) => {
                self.idling = false;
                self.sync().await?;
                done.ok(self.connection.machine())?;
            }
            Event::Resync => self.sync().await?,
            Event::Namespace(asked) => self.namespace(asked)?,
            Event::List(asked) => self.list(asked).await?,
            Event::Lsub(asked) => self.lsub(asked).await?,
            Event::Subscribe(asked) => self.subscribe(asked).await?,
            Event::Unsubscribe(asked) => self.unsubscribe(asked).await?,
            Event::Create(asked) => self.create(asked).await?,
            Event::Delete(asked) => self.delete(asked).await?,
            Event::Rename(asked) => self.rename(asked).await?,
            Event::Status(asked) => self.status(asked).await?,
            Event::Select(asked) => self.select(asked).await?,
            Event::Close(asked) => self.close(asked).await?,
            Event::Unselect(asked) => {
                self.deselect();
                asked.ok(self.connection.machine())?;
            }
            Event::Append(asked) => self.append(asked).await?,
            Event::AppendMore(asked) => self.append_more(asked).await?,
            Event::Replace(asked) => self.replace(asked).await?,
            Event::Body(chunk) => self.body(&chunk).await,
            Event::BodyAborted => self.append = None,
            Event::AppendEnd(asked) => self.append_end(asked).await?,
            Event::ReplaceEnd(asked) => self.replace_end(asked).await?,
            Event::Fetch(asked) => self.fetch(asked).await?,
            Event::Store(asked) => self.store(asked).await?,
            Event::Copy(asked) => self.copy(asked).await?,
            Event::Move(asked) => self.move_messages(asked).await?,
            Event::Expunge(asked) => self.expunge(asked).await?,
            Event::Search(asked) => self.search(asked).await?,
            Event::Sort(asked) => self.sort(asked).await?,
            Event::Thread(asked) => self.thread(asked).await?,
            Event::MultiSearch(asked) => self.multi_search(asked).await?,
            Event::UidBatches(asked) => self.uid_batches(asked).await?,
            Event::GetQuota(asked) => self.get_quota(asked).await?,
            Event::GetQuotaRoot(asked) => self.get_quota_root(asked).await?,
            Event::GetAcl(asked) => self.get_acl(asked).await?,
            Event::SetAcl(asked) => self.set_acl(asked).await?,
            Event::DeleteAcl(asked) => self.delete_acl(asked).await?,
            Event::ListRights(asked) => self.list_rights(asked).await?,
            Event::MyRights(asked) => self.my_rights(asked).await?,
            Event::GetMetadata(asked) => self.get_metadata(asked).await?,
            Event::SetMetadata(asked) => self.set_metadata(asked).await?,
            Event::Notify(asked) => self.notify(asked).await?,
            Event::NotifyOverflow => self.notify = None,
            Event::Id(parameters) => tracing::debug!(?parameters, "client"),
            Event::Violation(violation) => tracing::debug!(%violation, "violation"),
            Event::Enabled(_) | Event::Logout => {}
            event => event.refuse(self.connection.machine(), Refusal::cannot())?,
        }
        Ok(())
    }

    async fn login(&mut self, login: Asked<LoginCommand>) -> Outcome {
        let user = login.user().to_string_lossy();
        let outcome = match &self.exchanges {
            Some(exchanges) => exchanges.verify(&user, login.password()).await,
            None => Login::Unavailable,
        };
        match outcome {
            Login::Accepted(account) => {
                self.accepted(account);
                login.ok(self.connection.machine())?;
            }
            Login::Unavailable => login.no(self.connection.machine(), Refusal::unavailable())?,
            Login::Banned => {
                login.refuse(self.connection.machine())?;
                self.end(too_many_failures());
            }
            Login::Refused | Login::Malformed | Login::Challenge(_) => {
                login.refuse(self.connection.machine())?;
            }
        }
        Ok(())
    }

    async fn authenticate(&mut self, auth: posthaste_imap::server::Auth) -> Outcome {
        let channel = self.connection.channel();
        let begins = auth.is_start().then(|| auth.mechanism());
        let login = match &mut self.exchanges {
            Some(exchanges) => exchanges.step(&channel, begins, auth.response()).await,
            None => Login::Unavailable,
        };
        let server = self.connection.machine();
        match login {
            Login::Challenge(challenge) => auth.challenge(server, &challenge)?,
            Login::Accepted(account) => {
                self.accepted(account);
                auth.accept(self.connection.machine())?;
            }
            Login::Refused => auth.reject(server)?,
            Login::Banned => {
                auth.reject(server)?;
                self.end(too_many_failures());
            }
            Login::Malformed => auth.malformed(server)?,
            Login::Unavailable => auth.unavailable(server)?,
        }
        Ok(())
    }

    fn accepted(&mut self, account: Arc<Account>) {
        // Nothing is left of whoever was logged in before.
        let all = self.context.limits().message_size;
        self.message_max = self.context.directory.message_size(&account).map_or(all, |own| all.min(own));
        self.account = Some(account);
        self.directory.mark_unchanged();
    }

    /// Everything a login has brought (RFC 8437 3).
    fn forget(&mut self) {
        self.deselect();
        self.account = None;
        self.append = None;
        self.notify = None;
        self.idling = false;
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.cancel();
        }
    }

    /// The directory has changed: an account that is disabled or gone has no sessions, nor has a password that was
    /// changed or taken back. Which one a session has logged in with is not kept: any of them ends it.
    fn look_up_account(&mut self) {
        let Some(account) = &self.account else { return };
        match self.context.directory.still_allowed(account, Service::Imap) {
            Some(account) => self.account = Some(account),
            None => {
                tracing::info!(user = %account.address, "ended: the account may not log in any more");
                self.end(Refusal::new("Account is not available").with_code(ResponseCode::Unavailable));
            }
        }
    }

    /// Says goodbye, once what is being answered is answered.
    fn end(&mut self, reason: Refusal) {
        self.deselect();
        self.idling = false;
        let now = self.connection.now();
        self.connection.machine().end(now, reason);
    }

    /// Leaves the selected mailbox.
    fn deselect(&mut self) {
        self.selected = None;
        // What was saved was of that mailbox (RFC 5182 2.1).
        self.saved = UidSet::default();
    }

    /// Waits while the client does not read. Only then: what is queued leaves together.
    async fn room(&mut self) -> Outcome {
        if self.connection.machine_ref().is_congested() { self.connection.room().await } else { Ok(()) }
    }
}

fn too_many_failures() -> Refusal {
    Refusal::new("Too many failed logins")
}

/// What a client is told when the store refuses.
fn refusal(error: &StoreError) -> Refusal {
    match error {
        StoreError::NoSuchMailbox => Refusal::nonexistent(),
        StoreError::NoSuchMessage => expunge_issued(),
        StoreError::AlreadyExists => Refusal::already_exists(),
        StoreError::OverQuota { .. } => Refusal::over_quota(),
        StoreError::UseIsTaken => Refusal::use_attribute(),
        StoreError::HasChildren => Refusal::new("Mailbox has children").with_code(ResponseCode::HasChildren),
        StoreError::InboxStays | StoreError::IntoItself | StoreError::Name(_) => Refusal::cannot(),
        StoreError::UidsExhausted | StoreError::TooManyMailboxes(_) | StoreError::TooManyKeywords(_) => {
            Refusal::new("Limit reached").with_code(ResponseCode::Limit)
        }
        StoreError::TooManyAnnotations(_) => {
            Refusal::new("Too many annotations").with_code(ResponseCode::MetadataTooMany)
        }
        // RFC 5530 has no code for it: OVERQUOTA would be the user's own doing.
        StoreError::Full => Refusal::new("No space left for now").with_code(ResponseCode::Unavailable),
        error => {
            tracing::error!(%error, "command failed");
            Refusal::unavailable()
        }
    }
}

/// Some of the messages were expunged by another session, of which the client is told when it may be (RFC 5530).
fn expunge_issued() -> Refusal {
    Refusal::new("Some messages are gone").with_code(ResponseCode::ExpungeIssued)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the 16 KiB that a session may take in all, the stream, its buffers and the task have the rest.
    #[test]
    fn res_01_a_session_that_waits_is_small() {
        let serve = size_of_serve(Session::serve);
        let run = size_of_run(run);
        assert!(serve <= 3 * 1024, "the future that serves it has {serve} octets");
        assert!(run <= 8 * 1024, "the future of the connection has {run} octets");
    }

    fn size_of_serve<'a, F: Future>(_: impl FnOnce(&'a mut Session) -> F) -> usize {
        size_of::<F>()
    }

    fn size_of_run<F: Future>(_: impl FnOnce(Context, Stream, Role) -> F) -> usize {
        size_of::<F>()
    }
}
