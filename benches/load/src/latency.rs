//! From sending a message until somebody reads it: an operation is a delivery, the news of it in IDLE, and the FETCH
//! whose octets are compared. One message of a session is on its way at a time.

use std::sync::Arc;
use std::time::Instant;

use crate::LoadError;
use crate::content::{Id, Size};
use crate::deliver::{Delivery, Sender};
use crate::imap::{Row, Session};
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan, Worker};

/// Runs it. There have to be as many accounts as sessions.
///
/// # Errors
///
/// A session cannot be opened, or there is no IDLE.
pub async fn run(plan: &Plan, mailboxes: &Target, delivery: Delivery) -> Result<Report, LoadError> {
    if mailboxes.accounts.count < plan.sessions {
        return Err(LoadError::Usage("each session needs an account of its own".to_owned()));
    }
    let seed = delivery.seed;
    let delivery = Arc::new(delivery);
    let setup = |index| {
        let (mailboxes, delivery) = (mailboxes.clone(), Arc::clone(&delivery));
        async move {
            let account = mailboxes.accounts.name(index);
            let mut reader = Session::open(&mailboxes, &account).await?;
            let (exists, _) = reader.select("INBOX").await?;
            Ok(Pair { reader, sender: Sender::open(delivery).await?, account, exists })
        }
    };
    let work = |worker: Worker, mut pair: Pair| async move {
        while let Some(turn) = worker.turn() {
            pair.turn(&worker, Id::new(seed, turn, Size::Fixed(2048))).await?;
        }
        pair.sender.quit().await;
        pair.reader.logout().await
    };
    let measured = workload::run(plan, setup, work).await?;
    Ok(Report::new("latency", plan, seed, measured))
}

struct Pair {
    reader: Session,
    sender: Sender,
    account: String,
    exists: u32,
}

impl Pair {
    async fn turn(&mut self, worker: &Worker, id: Id) -> Result<(), LoadError> {
        let message = id.message();
        let octets = message.len();
        let idle = self.reader.idle().await?;
        let begun = Instant::now();
        let taken = self.sender.send(std::slice::from_ref(&self.account), message).await?;
        worker.part("acknowledged", begun.elapsed());
        if let Some(Err(said)) = taken.first() {
            worker.problem(format!("{id}: {said}"));
            return self.reader.done(idle).await;
        }
        let heard = self.reader.until_exists(self.exists.saturating_add(1)).await?;
        worker.part("heard", heard.saturating_duration_since(begun));
        self.exists = self.exists.saturating_add(1);
        self.reader.done(idle).await?;
        let mut whole = false;
        let compare = |row: Row| whole |= row.payloads.first().is_some_and(|octets| id.is_whole(octets));
        self.reader.rows(&format!("FETCH {} (BODY.PEEK[])", self.exists), compare).await?;
        worker.done(self.reader.took(begun), octets);
        if !whole {
            worker.problem(format!("message {} of {} is not {id}, or changed", self.exists, self.account));
        }
        Ok(())
    }
}
