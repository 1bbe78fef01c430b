//! Tells what happens in an IMAP mailbox, as soon as it does, for as long as the program runs.
//!
//! The connection may be lost: it is made anew, and what happened meanwhile is told then.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroU32;

use posthaste_imap::client::Change;
use posthaste_imap::types::{FetchAttribute, Flags, Mailbox, SequenceSet};
use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, arguments, shown};
use posthaste_tokio::imap::{Client, Error, Watch, Watched};

const HELP: &str = "
usage: watch URL [MAILBOX]

URL is such as imaps://ursel@mail.example; the password is in MAIL_PASSWORD, or the first line of the standard input.
MAIL_CA may name a file of certificates to trust in place of the public authorities.
";

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let (url, mailbox) = match arguments.as_slice() {
        [url] => (url, Mailbox::inbox()),
        [url, mailbox] => (url, Mailbox::new(mailbox)?),
        _ => return Err(HELP.trim().into()),
    };
    let account = Account::from_url(url, "MAIL_PASSWORD")?;
    let watch = Watch::new(account.endpoint, account.options, mailbox, None);
    tokio::select! {
        outcome = follow(watch) => outcome,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Tells what happens until it cannot go on.
async fn follow(mut watch: Watch) -> Outcome {
    let mut out = io::stdout();
    // The flags of all messages: a server may tell them of each, whether they have changed or not.
    let mut messages: BTreeMap<NonZeroU32, Flags> = BTreeMap::new();
    let mut is_first = true;
    let mut new = Vec::new();
    loop {
        match watch.next().await? {
            Watched::Change(Change::StartOver) => {
                messages.clear();
                new.clear();
                is_first = true;
            }
            Watched::Change(Change::New { uid, flags, .. }) => {
                messages.insert(uid, flags);
                new.push(uid);
            }
            Watched::Change(Change::Flags { uid, flags, .. }) => {
                if messages.insert(uid, flags.clone()).is_none_or(|before| before != flags) {
                    let flags: Vec<String> = flags.iter().map(|flag| flag.to_string()).collect();
                    writeln!(out, "flags {uid} {}", shown::text(&flags.join(" ")))?;
                }
            }
            Watched::Change(Change::Gone(uids)) => {
                for uid in uids.iter().filter_map(NonZeroU32::new) {
                    messages.remove(&uid);
                    new.retain(|new| *new != uid);
                    writeln!(out, "gone {uid}")?;
                }
            }
            // Now the session is free for a question: who wrote what is new?
            Watched::Synced(_) if is_first => {
                is_first = false;
                new.clear();
                writeln!(out, "watching {} messages", messages.len())?;
            }
            Watched::Synced(_) => match described(watch.client(), &new).await {
                Ok(lines) => {
                    new.clear();
                    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
                }
                Err(error) if error.refusal().is_some() => return Err(error.into()),
                // The connection is lost, which the watch is about to say. They are described when it is back.
                Err(_) => {}
            },
            Watched::Lost { error, after } => writeln!(out, "lost: {error}; again in {} s", after.as_secs())?,
            Watched::Update(_) => {}
        }
    }
}

/// A line for each new message.
async fn described(client: Option<&Client>, new: &[NonZeroU32]) -> Result<Vec<String>, Error> {
    let (Some(client), Some(set)) = (client, SequenceSet::from_numbers(new.iter().copied())) else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    let mut rows = client.uid_fetch(set, [FetchAttribute::Uid, FetchAttribute::Envelope]).await?;
    while let Some(row) = rows.next().await? {
        if let (Some(uid), Some(envelope)) = (row.uid(), row.envelope()) {
            let (author, subject) = (shown::author(envelope, 40), shown::subject(envelope, 100));
            lines.push(format!("new {uid} from {author}: {subject}"));
        }
    }
    Ok(lines)
}
