//! POP3: an operation is one message downloaded and compared. A turn is a session with all messages of its account, or
//! so many; none is removed.
//!
//! The session is the machine with nothing but the driver around it, and is told of an answer when all of it has come,
//! as that of IMAP. It logs in with USER and PASS, which every server has.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use posthaste_pop3::client::{Client, Config, Event, TlsPolicy};
use posthaste_pop3::{MessageNumber, Reply};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Time};

use crate::LoadError;
use crate::content::{Id, Made};
use crate::held::{Held, Pop3Answer};
use crate::report::Report;
use crate::target::{Target, Tls};
use crate::workload::{self, Plan, Worker};

/// Runs it. A server lets one session at a time into a mailbox: there have to be as many accounts as sessions.
///
/// # Errors
///
/// The server takes no password there.
pub async fn run(plan: &Plan, target: &Target, messages: usize) -> Result<Report, LoadError> {
    if target.accounts.count < plan.sessions {
        return Err(LoadError::Usage("each session needs an account of its own".to_owned()));
    }
    let work = |worker: Worker, target: Target| async move {
        let account = target.accounts.name(worker.index);
        let mut made = Made::default();
        while worker.turn().is_some() {
            turn(&worker, &target, &account, messages, &mut made).await?;
        }
        Ok(())
    };
    let measured = workload::run(plan, |_| std::future::ready(Ok(target.clone())), work).await?;
    Ok(Report::new("pop3", plan, 0, measured))
}

async fn turn(
    worker: &Worker,
    target: &Target,
    account: &str,
    messages: usize,
    made: &mut Made,
) -> Result<(), LoadError> {
    let begun = Instant::now();
    let mut session = Session::open(target, account).await?;
    worker.part("login", session.took(begun));
    let list = session.list().await?;
    if list.is_empty() {
        return Err(LoadError::Usage(format!("the maildrop of {account} is empty: fill it first")));
    }
    let mut seen = BTreeSet::new();
    let mut message = Vec::new();
    for number in list.into_iter().take(messages) {
        let begun = Instant::now();
        session.retr(number, &mut message).await?;
        let took = session.took(begun);
        worker.done(took, message.len());
        match Id::of_header(&message) {
            Some(id) if made.is_whole(id, &message) && seen.insert(id) => {}
            Some(id) => worker.problem(format!("{id} of {account} is changed or there twice")),
            None => worker.problem(format!("a message of {account} has no name that was given to it")),
        }
        worker.compared(begun.elapsed().saturating_sub(took));
    }
    session.quit().await
}

struct Session {
    connection: Connection<Held<Client, Pop3Answer>>,
}

impl Session {
    /// Connects, sets up TLS and logs in.
    async fn open(target: &Target, account: &str) -> Result<Self, LoadError> {
        let (stream, role) = target.connect(Alpn::Pop3).await?;
        let mut config = Config::default();
        config.tls = if target.tls == Tls::None { TlsPolicy::Off } else { TlsPolicy::Required };
        let machine = Client::new(config, stream.security(), Time::ZERO);
        let mut session = Self { connection: Connection::new(Held::new(machine), stream, role) };
        loop {
            match session.event().await? {
                Event::Ready { .. } => break,
                Event::Unavailable { greeting } => return Err(refused("the greeting", &greeting)),
                _ => {}
            }
        }
        let capabilities = session.machine().capabilities();
        if target.tls == Tls::None && !capabilities.has("USER") && capabilities.has("STLS") {
            return Err(LoadError::NotOffered("a POP3 login without TLS".to_owned()));
        }
        session
            .machine()
            .login(account, target.accounts.password.as_str().into())
            .map_err(LoadError::connection)?;
        session.reply("the login").await?;
        Ok(session)
    }

    /// How long the last answer took to come, from `begun` on.
    fn took(&self, begun: Instant) -> Duration {
        self.connection.machine_ref().arrived().saturating_duration_since(begun)
    }

    /// The messages there are.
    async fn list(&mut self) -> Result<Vec<MessageNumber>, LoadError> {
        self.machine().list().map_err(LoadError::connection)?;
        self.connection.machine().hold(Pop3Answer::long());
        let mut numbers = Vec::new();
        loop {
            match self.event().await? {
                Event::Size { number, .. } => numbers.push(number),
                Event::ListEnd { .. } => return Ok(numbers),
                Event::Reply { reply, .. } => return Err(refused("LIST", &reply)),
                _ => {}
            }
        }
    }

    /// A message, in the place of what `message` holds.
    async fn retr(&mut self, number: MessageNumber, message: &mut Vec<u8>) -> Result<(), LoadError> {
        self.machine().retr(number).map_err(LoadError::connection)?;
        self.connection.machine().hold(Pop3Answer::long());
        message.clear();
        loop {
            match self.event().await? {
                Event::Body { chunk, .. } => message.extend_from_slice(&chunk),
                Event::BodyEnd { .. } => return Ok(()),
                Event::Reply { reply, .. } => return Err(refused("RETR", &reply)),
                _ => {}
            }
        }
    }

    /// Ends the session in order, and waits until the server has: only then somebody else may log in.
    async fn quit(mut self) -> Result<(), LoadError> {
        self.machine().quit().map_err(LoadError::connection)?;
        self.reply("QUIT").await?;
        while self.event().await.is_ok() {}
        Ok(())
    }

    async fn reply(&mut self, what: &str) -> Result<(), LoadError> {
        loop {
            match self.event().await? {
                Event::Reply { reply, .. } if reply.is_ok() => return Ok(()),
                Event::Reply { reply, .. } => return Err(refused(what, &reply)),
                Event::NotSent { reason, .. } => return Err(LoadError::NotOffered(format!("{reason:?}"))),
                _ => {}
            }
        }
    }

    const fn machine(&mut self) -> &mut Client {
        self.connection.machine().machine()
    }

    async fn event(&mut self) -> Result<Event, LoadError> {
        if let Some(event) = self.connection.machine().at_hand() {
            return Ok(event);
        }
        let event = self.connection.next().await.map_err(LoadError::connection)?;
        event.ok_or_else(|| LoadError::Connection("the server closed the session".to_owned()))
    }
}

/// What the server says no with.
fn refused(what: &str, reply: &Reply) -> LoadError {
    LoadError::Refused { what: what.to_owned(), said: String::from_utf8_lossy(reply.text()).into_owned() }
}
