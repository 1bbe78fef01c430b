//! Makes mailboxes of so many messages, by APPEND: several at once where the server has MULTIAPPEND, pipelined where it
//! has not. An operation is a message. The order is that of the numbers, so that `mailbox` knows what is where.

use std::time::Instant;

use bytes::Bytes;

use crate::LoadError;
use crate::content::{Id, Size};
use crate::imap::Session;
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Limit, Plan, Worker};

/// What is made.
#[derive(Clone, Debug)]
pub struct Filling {
    /// Made if it is not there.
    pub mailbox: String,
    /// How many messages each account gets.
    pub messages: u64,
    /// Of the messages.
    pub seed: u64,
    /// Of the messages.
    pub size: Size,
}

/// Fills the mailbox of each account, and compares how many messages there are then. The limit of the plan is not
/// heeded.
///
/// # Errors
///
/// A mailbox cannot be made.
pub async fn run(plan: &Plan, target: &Target, filling: &Filling) -> Result<Report, LoadError> {
    let plan = Plan { limit: Limit::Count(target.accounts.count), ..plan.clone() };
    let setup = |_| std::future::ready(Ok((target.clone(), filling.clone())));
    let work = |worker: Worker, (target, filling): (Target, Filling)| async move {
        while let Some(turn) = worker.turn() {
            fill(&worker, &target, &target.accounts.name(turn), &filling).await?;
        }
        Ok(())
    };
    let measured = workload::run(&plan, setup, work).await?;
    let mut report = Report::new("fill", &plan, filling.seed, measured);
    report.add("mailboxes", target.accounts.count);
    Ok(report)
}

async fn fill(worker: &Worker, target: &Target, account: &str, filling: &Filling) -> Result<(), LoadError> {
    let mut session = Session::open(target, account).await?;
    match session.ok(&format!("CREATE {}", filling.mailbox)).await {
        // INBOX is always there, others may be.
        Ok(_) | Err(LoadError::Refused { .. }) => {}
        Err(error) => return Err(error),
    }
    let (before, _) = session.select(&filling.mailbox).await?;
    let several = session.has("MULTIAPPEND");
    let mut number = 0;
    while number < filling.messages {
        let (mut batch, mut octets): (Vec<(Id, Bytes)>, usize) = (Vec::new(), 0);
        while number < filling.messages && octets < BATCH_OCTETS && batch.len() < BATCH_MESSAGES {
            let id = Id::new(filling.seed, number, filling.size);
            let message = id.message();
            octets = octets.saturating_add(message.len());
            batch.push((id, message));
            number = number.saturating_add(1);
        }
        let begun = Instant::now();
        if several {
            session.append(&filling.mailbox, &batch).await?;
        } else {
            session.append_each(&filling.mailbox, &batch).await?;
        }
        let took = session.took(begun);
        batch.iter().for_each(|(_, message)| worker.done(took, message.len()));
    }
    let (after, _) = session.select(&filling.mailbox).await?;
    if u64::from(after) != u64::from(before).saturating_add(filling.messages) {
        worker
            .problem(format!("{account} has {after} messages after {before} and {} more", filling.messages));
    }
    session.logout().await
}

const BATCH_OCTETS: usize = 1024 * 1024;
const BATCH_MESSAGES: usize = 100;
