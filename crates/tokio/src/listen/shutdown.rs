//! The end of a service, as its sessions hear of it.
//!
//! Decides that a machine is told once. What it then says, and when it closes, is the machine's affair.

use posthaste_wire::{Machine, Time};
use tokio_util::sync::CancellationToken;

use crate::{Connection, Error};

/// The end of a service, for one session.
///
/// [`next`](Self::next) in the place of [`Connection::next`] is all that a session needs to end in order:
///
/// ```
/// use posthaste_pop3::server::{Config, Event, LoginRefusal, Server};
/// use posthaste_tokio::{Accepted, Connection, Role, Time};
///
/// async fn session(mut accepted: Accepted) -> Result<(), Box<dyn std::error::Error>> {
///     let machine = Server::new(Config::default(), accepted.stream.security(), Time::ZERO);
///     let mut connection = Connection::new(machine, accepted.stream, Role::Server { tls: None });
///     while let Some(event) = accepted.shutdown.next(&mut connection).await? {
///         if let Event::Login(login) = event {
///             login.reject(connection.machine(), LoginRefusal::Credentials)?;
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Shutdown {
    token: CancellationToken,
    told: bool,
}

/// The machine of a server: one that can be asked to end a conversation.
pub trait ServerMachine: Machine {
    /// Ends the conversation as soon as no command and no message is in progress: SMTP with 421, IMAP with BYE,
    /// POP3 without a word, since there an answer that was not asked for would be taken for that to the next
    /// command.
    fn shutdown(&mut self, now: Time);
}

impl Shutdown {
    /// Of a service that shuts down when `token` is cancelled, for sessions that were not begun by
    /// [`serve`](crate::serve).
    pub const fn new(token: CancellationToken) -> Self {
        Self { token, told: false }
    }

    /// Waits for the next event as [`Connection::next`] does, and tells the machine when the service shuts down.
    /// What is in progress then comes to its end as events here; `None` follows.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Connection::next`].
    pub async fn next<M: ServerMachine>(
        &mut self,
        connection: &mut Connection<M>,
    ) -> Result<Option<M::Event>, Error<M::Error>> {
        tokio::select! {
            biased;
            () = self.requested() => {}
            event = connection.next() => return event,
        }
        let now = connection.now();
        connection.machine().shutdown(now);
        connection.next().await
    }

    /// Completes when the service shuts down, the first time only; after that it never completes, so that it may
    /// stand in the `select!` of a loop. Cancel safe.
    pub async fn requested(&mut self) {
        if self.told {
            std::future::pending::<()>().await;
        }
        self.token.cancelled().await;
        self.told = true;
    }

    /// Whether the service shuts down.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// What is cancelled then, for other tasks of the session.
    pub const fn token(&self) -> &CancellationToken {
        &self.token
    }
}

impl ServerMachine for posthaste_smtp::server::Server {
    fn shutdown(&mut self, now: Time) {
        self.shutdown(now);
    }
}

impl ServerMachine for posthaste_pop3::server::Server {
    fn shutdown(&mut self, now: Time) {
        self.shutdown(now);
    }
}

impl ServerMachine for posthaste_imap::server::Server {
    fn shutdown(&mut self, now: Time) {
        self.shutdown(now);
    }
}
