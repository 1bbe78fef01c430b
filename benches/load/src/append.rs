//! APPEND: an operation is one message added to a mailbox of its session's own account, and acknowledged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::LoadError;
use crate::audit::{self, Acknowledged};
use crate::content::{Id, Size};
use crate::deliver;
use crate::imap::Session;
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan, Worker};

/// Runs it on the INBOX of each account, and compares up to `sample` messages of each.
///
/// # Errors
///
/// No session can be opened.
pub async fn run(
    plan: &Plan,
    target: &Target,
    seed: u64,
    size: Size,
    sample: u64,
) -> Result<Report, LoadError> {
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let setup = |index| {
        let target = target.clone();
        async move {
            let account = target.accounts.name(index);
            let session = Session::open(&target, &account).await?;
            Ok((account, session))
        }
    };
    let work = |worker: Worker, (account, mut session): (String, Session)| {
        let acknowledged = Arc::clone(&acknowledged);
        async move {
            while let Some(turn) = worker.turn() {
                let id = Id::new(seed, turn, size);
                let message = id.message();
                let octets = message.len();
                let begun = Instant::now();
                session.append("INBOX", &[(id, message)]).await?;
                worker.done(session.took(begun), octets);
                let mut acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                acknowledged.entry(account.clone()).or_default().insert(id);
            }
            session.logout().await
        }
    };
    let measured = workload::run(plan, setup, work).await?;
    let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut report = Report::new("imap-append", plan, seed, measured);
    report.add("accounts", acknowledged.len());
    let audit = audit::audit(target, &acknowledged, sample, Duration::ZERO).await?;
    deliver::add(&mut report, &audit);
    Ok(report)
}
