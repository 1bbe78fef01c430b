//! What is computed once when a message comes in, by delivery or by APPEND: the summary that IMAP answers from, and
//! the ids by which it joins a conversation.
//!
//! A message that waits in memory is read at once. One that waits in a file is read into memory whole, because that
//! is what a summary is made from, but never more of them at a time than the machine has cores: the others wait, and
//! so do their senders. How deep and how many parts are looked at is bounded by [`Limits`]; what lies beyond is
//! stored and served all the same.
//!
//! A summary is a function of the content: made again from what the store has, it is the same octets. Which version
//! of the format they are stands in front of them; whoever reads one it does not know scans again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::LazyLock;

use bytes::Bytes;
use posthaste_imap::message::{Limits, Summary, message_ids};
use tokio::sync::Semaphore;

use crate::store::{Spooled, StoreError};

/// Adds to a message that has arrived what the store keeps beside it.
///
/// # Errors
///
/// The spool could not be read: the message must be refused for now.
pub async fn complete(mut spooled: Spooled) -> Result<Spooled, StoreError> {
    if spooled.is_in_memory() {
        read(&mut spooled)?;
        return Ok(spooled);
    }
    // Closed never happens: nobody closes it.
    let _turn = LARGE.acquire().await.map_err(|_| StoreError::Closed)?;
    let work = tokio::task::spawn_blocking(move || read(&mut spooled).map(|()| spooled));
    work.await.unwrap_or(Err(StoreError::Closed))
}

/// The summary of a content, as it is stored.
pub fn summary(content: &[u8]) -> Bytes {
    scan(content).to_bytes()
}

/// The ids by which a message belongs to a conversation: its own, then those it answers, the nearest first. Its
/// subject is none: what "Re: hello" answers, nobody knows.
pub fn ids(summary: &Summary) -> Vec<Vec<u8>> {
    let overview = summary.overview();
    let answers = message_ids(summary.envelope().in_reply_to.as_deref().unwrap_or_default());
    let own = overview.message_id.into_iter().map(Cow::into_owned);
    let references = overview.references.into_iter().rev().map(Cow::into_owned);
    let all = own.chain(answers).chain(references);
    let mut seen = BTreeSet::new();
    let fits = |id: &Vec<u8>| !id.is_empty() && id.len() <= ID_MAX;
    all.filter(fits).filter(|id| seen.insert(id.clone())).take(IDS_MAX).collect()
}

fn read(spooled: &mut Spooled) -> Result<(), StoreError> {
    let mut content = Vec::with_capacity(usize::try_from(spooled.size()).unwrap_or_default());
    let outcome = spooled.reader().read_to_end(&mut content);
    outcome.map_err(|error| StoreError::io("reading a message that has arrived", &error))?;
    let summary = scan(&content);
    spooled.set_ids(ids(&summary));
    spooled.set_summary(summary.to_bytes());
    Ok(())
}

fn scan(content: &[u8]) -> Summary {
    Summary::scan_within(content, &Limits::default())
}

/// Ids of one message. A chain that is longer is joined by its nearer end.
const IDS_MAX: usize = 100;

/// Octets of an id; a line has 998 (RFC 5322 2.1.1), and what is longer than this is made by nobody's mail program.
const ID_MAX: usize = 512;

/// So many large messages are in memory at a time, in the whole process.
static LARGE: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_of(message: &str) -> Vec<String> {
        let ids = ids(&scan(message.as_bytes()));
        ids.into_iter().map(|id| String::from_utf8(id).unwrap()).collect()
    }

    #[test]
    fn a_message_is_of_the_conversation_it_names() {
        let message = "Message-ID: <d@x>\r\nIn-Reply-To: <c@x> (yesterday)\r\nReferences: <a@x> <b@x>\r\n\t<c@x>\r\n\
                       Subject: Re: hello\r\n\r\n";
        assert_eq!(ids_of(message), ["d@x", "c@x", "b@x", "a@x"]);
        assert!(ids_of("Subject: Re: hello\r\n\r\n").is_empty());
        assert_eq!(ids_of("In-Reply-To: <a@x>\r\nMessage-ID: none\r\n\r\n"), ["a@x"]);
    }

    #[test]
    fn a_hostile_header_gives_few_and_short_ids() {
        let many: String = (0..5000).map(|number| format!("<{number}@x>\r\n ")).collect();
        let long = "l".repeat(5000);
        let ids = ids_of(&format!("Message-ID: <{long}@x>\r\nReferences: {many}\r\n\r\n"));
        assert!(ids.len() <= IDS_MAX && ids.iter().all(|id| id.len() <= ID_MAX));
    }
}
