//! What a mail program does in a day, in 18 commands; an operation is one of them.
//!
//! | command | of what |
//! | --- | --- |
//! | LOGIN | with the connection |
//! | NAMESPACE, LIST, STATUS, SELECT | the account |
//! | FETCH of flags | all messages, up to the last 1000 |
//! | FETCH of envelopes | the last 20 |
//! | SEARCH UNSEEN, SEARCH SUBJECT | the mailbox |
//! | APPEND, NOOP | a message of 2 KiB, which is compared when it is fetched |
//! | FETCH of a body, STORE \Seen | this message |
//! | COPY | into the mailbox `Load`, which is made before |
//! | STORE \Deleted, UID EXPUNGE | this message |
//! | IDLE | begun and ended |
//! | LOGOUT | |

use std::time::Instant;

use crate::LoadError;
use crate::content::{Id, Size};
use crate::imap::Session;
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan, Worker};

/// Runs it: a turn is all 18 commands. Sessions have accounts of their own as far as there are so many.
///
/// # Errors
///
/// The server has no UIDPLUS, NAMESPACE or IDLE.
pub async fn run(plan: &Plan, target: &Target, seed: u64) -> Result<Report, LoadError> {
    let setup = |index| {
        let target = target.clone();
        async move {
            let account = target.accounts.name(index);
            let mut session = Session::open(&target, &account).await?;
            session.need("UIDPLUS")?;
            // Mostly it is there already.
            match session.ok("CREATE Load").await {
                Ok(_) | Err(LoadError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
            session.logout().await?;
            Ok((target, account))
        }
    };
    let work = |worker: Worker, (target, account): (Target, String)| async move {
        while let Some(turn) = worker.turn() {
            day(&worker, &target, &account, Id::new(seed, turn, Size::Fixed(2048))).await?;
        }
        Ok(())
    };
    let measured = workload::run(plan, setup, work).await?;
    Ok(Report::new("imap-mix", plan, seed, measured))
}

async fn day(worker: &Worker, target: &Target, account: &str, id: Id) -> Result<(), LoadError> {
    let begun = Instant::now();
    let mut session = Session::open(target, account).await?;
    worker.done_as("login", session.took(begun), 0);
    for (kind, command) in [
        ("namespace", "NAMESPACE"),
        ("list", "LIST \"\" *"),
        ("status", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)"),
    ] {
        timed(worker, &mut session, kind, command).await?;
    }
    let begun = Instant::now();
    let (exists, _) = session.select("INBOX").await?;
    worker.done_as("select", session.took(begun), 0);
    if exists == 0 {
        return Err(LoadError::Usage(format!("the INBOX of {account} is empty: fill it first")));
    }

    fetch(worker, &mut session, "fetch flags", exists, 1000, "UID FLAGS").await?;
    fetch(
        worker,
        &mut session,
        "fetch envelopes",
        exists,
        20,
        "UID FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE",
    )
    .await?;
    timed(worker, &mut session, "search unseen", "UID SEARCH UNSEEN").await?;
    timed(worker, &mut session, "search subject", "UID SEARCH SUBJECT meeting").await?;

    let message = id.message();
    let octets = message.len();
    let begun = Instant::now();
    let uid = session.append("INBOX", &[(id, message)]).await?;
    worker.done_as("append", session.took(begun), octets);
    let uid = uid.ok_or_else(|| LoadError::NotOffered("APPENDUID".to_owned()))?;
    timed(worker, &mut session, "noop", "NOOP").await?;
    let begun = Instant::now();
    let (mut rows, mut whole) = (0, false);
    let compare = |row: crate::imap::Row| {
        rows += 1;
        whole = row.payloads.first().is_some_and(|octets| id.is_whole(octets));
    };
    session.rows(&format!("UID FETCH {uid} (BODY.PEEK[])"), compare).await?;
    worker.done_as("fetch body", session.took(begun), octets);
    if rows != 1 || !whole {
        worker.problem(format!(
            "{id} of {account} was added as UID {uid}, and comes in {rows} rows, changed or not there"
        ));
    }
    for (kind, command) in [
        ("store seen", format!("UID STORE {uid} +FLAGS (\\Seen)")),
        ("copy", format!("UID COPY {uid} Load")),
        ("store deleted", format!("UID STORE {uid} +FLAGS (\\Deleted)")),
        ("expunge", format!("UID EXPUNGE {uid}")),
    ] {
        timed(worker, &mut session, kind, &command).await?;
    }
    let begun = Instant::now();
    let idle = session.idle().await?;
    session.done(idle).await?;
    worker.done_as("idle", session.took(begun), 0);
    let begun = Instant::now();
    session.logout().await?;
    worker.done_as("logout", begun.elapsed(), 0);
    Ok(())
}

async fn timed(
    worker: &Worker,
    session: &mut Session,
    kind: &'static str,
    command: &str,
) -> Result<(), LoadError> {
    let begun = Instant::now();
    session.ok(command).await?;
    worker.done_as(kind, session.took(begun), 0);
    Ok(())
}

/// The last messages of a mailbox, each of which must come once.
async fn fetch(
    worker: &Worker,
    session: &mut Session,
    kind: &'static str,
    exists: u32,
    last: u32,
    items: &str,
) -> Result<(), LoadError> {
    let begun = Instant::now();
    let before = session.received();
    let first = exists.saturating_sub(last).saturating_add(1);
    let mut rows = 0_u32;
    session.rows(&format!("FETCH {first}:{exists} ({items})"), |_| rows = rows.saturating_add(1)).await?;
    let octets = usize::try_from(session.received().saturating_sub(before)).unwrap_or(usize::MAX);
    worker.done_as(kind, session.took(begun), octets);
    let wanted = exists.saturating_sub(first).saturating_add(1);
    // Flags that another session changed come in rows of their own.
    if rows < wanted {
        worker.problem(format!("{kind}: {rows} rows in place of {wanted}"));
    }
    Ok(())
}
