//! Logins: an operation is a connection, TLS where that is asked for, LOGIN, SELECT INBOX and LOGOUT.

use std::time::Instant;

use crate::LoadError;
use crate::imap::Session;
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan};

/// Runs it.
///
/// # Errors
///
/// The server takes no password there.
pub async fn run(plan: &Plan, target: &Target) -> Result<Report, LoadError> {
    let work = |worker: workload::Worker, target: Target| async move {
        while let Some(turn) = worker.turn() {
            let begun = Instant::now();
            let mut session = Session::connect(&target).await?;
            session.log_in(&target.accounts.name(turn), &target.accounts.password).await?;
            session.select("INBOX").await?;
            worker.done(session.took(begun), 0);
            session.logout().await?;
        }
        Ok(())
    };
    let measured = workload::run(plan, |_| std::future::ready(Ok(target.clone())), work).await?;
    Ok(Report::new("imap-login", plan, 0, measured))
}
