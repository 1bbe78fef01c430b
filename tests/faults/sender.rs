//! REL-05: the sender goes before, within and after the end of data. What was not ended is nowhere, what was ended is
//! there once, whoever heard of it.

use std::{collections::BTreeMap, net::Shutdown, time::Duration};

use crate::{
    machine,
    message::{self, Id},
    server::{ALICE, Server},
    talk::{Imap, Talk},
};

const END: &[u8] = b"\r\n.\r\n";
/// One is kept in memory while it arrives, one in a file.
const SIZES: [usize; 2] = [700, 100_000];

/// How the sender goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All that was sent arrives.
    Close,
    /// What has not arrived yet may be lost.
    Reset,
}

#[test]
fn rel_05_what_was_not_ended_is_nowhere_and_what_was_is_there_once() {
    let mut server = Server::start();
    let mut copies_wanted = BTreeMap::new();
    let mut last: Id = 0;
    for listener in ["smtp", "lmtp"] {
        for way in [Way::Close, Way::Reset] {
            for octets in 0..=END.len() {
                for size in SIZES {
                    last += 1;
                    leave(&server, listener, way, &message::sized(last, size), &END[..octets]);
                    let wanted = match (way, octets == END.len()) {
                        (_, false) => 0..=0,
                        (Way::Close, true) => 1..=1,
                        (Way::Reset, true) => 0..=1,
                    };
                    copies_wanted.insert(last, wanted);
                }
            }
        }
    }
    let is_done = |copies: &BTreeMap<Id, usize>| {
        copies_wanted.iter().all(|(id, wanted)| wanted.contains(&copies.get(id).copied().unwrap_or(0)))
    };
    let copies = machine::eventually(Duration::from_secs(20), || Some(inbox(&server)).filter(is_done));
    assert!(copies.is_some(), "wanted {copies_wanted:?}, there are {:?}", inbox(&server));
    let spool = server.data().join("spool");
    let is_empty = || (std::fs::read_dir(&spool).unwrap().count() == 0).then_some(());
    let emptied = machine::eventually(Duration::from_secs(20), is_empty);
    assert!(emptied.is_some(), "files of messages that never ended stay");
    server.check();
    assert!(server.is_running());
    server.assert_no_panic();
}

/// Sends a message and a part of its end, and goes without an answer.
fn leave(server: &Server, listener: &str, way: Way, message: &[u8], end: &[u8]) {
    let mut talk = Talk::mail(server.ports(), listener).unwrap();
    talk.accepted("MAIL FROM:<sender@remote.test>");
    talk.accepted(&format!("RCPT TO:<{ALICE}>"));
    talk.send("DATA\r\n").unwrap();
    // The reply is there; who never reads it resets the connection by closing it.
    talk.stream.peek(&mut [0]).unwrap();
    // The end of the last line belongs to the end of data.
    let data = [message.strip_suffix(b"\r\n").unwrap(), end].concat();
    talk.send(data).unwrap();
    if way == Way::Close {
        talk.stream.shutdown(Shutdown::Write).unwrap();
        while talk.line().is_ok() {}
    }
}

/// How often each message is in the INBOX, where each must be whole.
fn inbox(server: &Server) -> BTreeMap<Id, usize> {
    let mut imap = Imap::open(server.ports(), ALICE).unwrap();
    imap.ok("EXAMINE INBOX");
    let mut copies = BTreeMap::new();
    for row in imap.messages("1:*", "BODY.PEEK[]").unwrap() {
        let id = message::id_of(&row.octets).expect("a message that was sent");
        let is_whole = SIZES.iter().any(|size| message::is(&row.octets, &message::sized(id, *size)));
        assert!(is_whole, "{id} has {} octets, which are not those sent", row.octets.len());
        *copies.entry(id).or_default() += 1;
    }
    copies
}
