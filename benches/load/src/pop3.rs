//! POP3: an operation is one message downloaded and compared. A turn is a session with all messages of its account, or
//! so many; none is removed.

use std::collections::BTreeSet;
use std::time::Instant;

use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Cause, Protocol, pop3};

use crate::LoadError;
use crate::content::Id;
use crate::report::Report;
use crate::target::Target;
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
        while worker.turn().is_some() {
            session(&worker, &target, &account, messages).await?;
        }
        Ok(())
    };
    let measured = workload::run(plan, |_| std::future::ready(Ok(target.clone())), work).await?;
    Ok(Report::new("pop3", plan, 0, measured))
}

async fn session(worker: &Worker, target: &Target, account: &str, messages: usize) -> Result<(), LoadError> {
    let begun = Instant::now();
    let (stream, _) = target.connect(Alpn::Pop3).await?;
    let endpoint = target.endpoint(Protocol::Pop3)?;
    let options = target.options(Alpn::Pop3, Some(account))?;
    let client = pop3::Client::over(stream, &endpoint, &options).await;
    let mut client = client.map_err(|error| match error.cause() {
        Cause::NoLogin => LoadError::NotOffered("a POP3 login without TLS".to_owned()),
        _ => LoadError::connection(error),
    })?;
    worker.part("login", begun);
    let list = client.list().await.map_err(LoadError::connection)?;
    if list.is_empty() {
        return Err(LoadError::Usage(format!("the maildrop of {account} is empty: fill it first")));
    }
    let mut seen = BTreeSet::new();
    for (number, _) in list.into_iter().take(messages) {
        let begun = Instant::now();
        let message = client.retr_to_bytes(number, MESSAGE_MAX).await.map_err(LoadError::connection)?;
        worker.done(begun, message.len());
        match Id::of_header(&message) {
            Some(id) if id.is_whole(&message) && seen.insert(id) => {}
            Some(id) => worker.problem(format!("{id} of {account} is changed or there twice")),
            None => worker.problem(format!("a message of {account} has no name that was given to it")),
        }
    }
    client.quit().await.map_err(LoadError::connection)
}

const MESSAGE_MAX: usize = 64 * 1024 * 1024;
