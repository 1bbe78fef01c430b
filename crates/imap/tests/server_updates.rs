//! What the client hears without having asked: when, in which form, how much of it is held; and a reference client that
//! must never lose count of its messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/server.rs"]
mod support;

use std::num::NonZeroU32;

use posthaste_imap::server::{
    Asked, Event, Extensions, Fetch, Idle, IdleDone, Message, Noop, Refusal, Search, SelectMore, Server,
    Store, Update,
};
use posthaste_imap::types::{EntryName, FetchItem, Flag, Mailbox, ParseContext, Response, StatusItem};
use posthaste_imap::view::{Allowed, View};
use posthaste_imap::{Bytes, Misuse, Step, Time, parse};
use proptest::prelude::*;
use support::{everything, message, named_event, number, said, selected, sent, server, uids, with};

const WATCH: &[u8] =
    b"w NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) (inboxes (MessageNew MessageExpunge))\r\n";

fn status(name: &str, messages: u64) -> Update {
    Update::Status(Mailbox::new(name).unwrap(), vec![StatusItem::Messages(messages)])
}

#[test]
fn imap_23_updates_are_bounded_and_the_application_is_told_when_to_look_again() {
    let mut server = with(everything(), |config| config.limits.updates_max = 3);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    for _ in 0..3 {
        server.update(Update::Expunged(message(1))).unwrap();
    }
    assert!(matches!(server.update(Update::Exists(9)), Err(Misuse::NotNow { .. })));
    assert_eq!(sent(&mut server), "", "no command is in progress");
    server.handle_input(Time::ZERO, b"n NOOP\r\n");
    named_event!(server, Noop).ok(&mut server).unwrap();
    assert_eq!(sent(&mut server).matches("* 1 EXPUNGE\r\n").count(), 3);
    assert_eq!(server.poll_event(), Ok(Step::Event(Event::Resync)));
    assert_eq!(server.update(Update::Exists(9)), Ok(()));
    assert_eq!(sent(&mut server), "* 9 EXISTS\r\n");
    assert_eq!(server.poll_event(), Ok(Step::NeedInput), "told once");
}

#[test]
fn imap_23_too_much_for_notify_ends_notify_and_says_so() {
    let mut server = with(everything(), |config| config.limits.updates_max = 2);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    said(&mut server, WATCH);
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    server.update(status("a", 1)).unwrap();
    server.update(status("a", 2)).unwrap();
    server.update(status("b", 1)).unwrap();
    server.update(status("c", 1)).unwrap();
    assert!(matches!(server.update(status("d", 1)), Err(Misuse::NotNow { .. })), "NOTIFY is over");
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert_eq!(
        text,
        "* 1 FETCH ()\r\n* OK [NOTIFICATIONOVERFLOW] Too much has happened\r\nf OK FETCH completed\r\n"
    );
    assert_eq!(server.poll_event(), Ok(Step::Event(Event::NotifyOverflow)));
}

#[test]
fn a_whole_row_is_what_its_items_are_one_by_one() {
    let items = [
        FetchItem::Uid(number(7)),
        FetchItem::Opaque { name: Bytes::from_static(b"X"), value: Bytes::from_static(b"1") },
        FetchItem::Rfc822Size(9),
    ];
    let mut server = selected(Extensions::new());
    server.handle_input(Time::ZERO, b"f FETCH 1 (UID RFC822.SIZE)\r\n");
    let fetch = named_event!(server, Fetch).begin();
    fetch.whole_row(&mut server, message(1), &items).unwrap();
    fetch.whole_row(&mut server, message(2), &items[1..2]).unwrap();
    fetch.ok(&mut server).unwrap();
    let whole = sent(&mut server);
    server.handle_input(Time::ZERO, b"f FETCH 1 (UID RFC822.SIZE)\r\n");
    let mut row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    row.item(&mut server, &items[0]).unwrap();
    row.item(&mut server, &items[2]).unwrap();
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(whole, sent(&mut server));
    assert_eq!(whole, "* 1 FETCH (UID 7 RFC822.SIZE 9)\r\nf OK FETCH completed\r\n");
}

/// The number in the second answer counts without the message that the first is about.
#[test]
fn an_expunge_that_was_held_is_told_before_those_of_the_next_command() {
    for command in ["EXPUNGE", "MOVE 1 x", "UID MOVE 7 x"] {
        let mut server = selected(Extensions::new());
        server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
        let fetch = named_event!(server, Fetch).begin();
        server.update(Update::Expunged(message(3))).unwrap();
        fetch.ok(&mut server).unwrap();
        assert_eq!(sent(&mut server), "f OK FETCH completed\r\n");
        server.handle_input(Time::ZERO, format!("e {command}\r\n").as_bytes());
        match server.poll_event() {
            Ok(Step::Event(Event::Expunge(asked))) => {
                asked.expunged(&mut server, message(1)).unwrap();
                asked.ok(&mut server).unwrap();
            }
            Ok(Step::Event(Event::Move(asked))) => {
                asked.expunged(&mut server, message(1)).unwrap();
                asked.ok(&mut server).unwrap();
            }
            other => panic!("{other:?}"),
        }
        let text = sent(&mut server);
        assert!(text.starts_with("* 3 EXPUNGE\r\n* 1 EXPUNGE\r\ne OK"), "{command}: {text}");
    }
}

#[test]
fn a_command_that_waits_behind_a_shutdown_is_not_begun() {
    let mut server = selected(Extensions::new());
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\ne EXPUNGE\r\n");
    let fetch = named_event!(server, Fetch).begin();
    server.shutdown(Time::ZERO);
    fetch.ok(&mut server).unwrap();
    assert_eq!(server.poll_event(), Ok(Step::Closed));
    let text = sent(&mut server);
    assert!(text.starts_with("f OK FETCH completed\r\n* BYE"), "{text}");
}

/// One line that has no tag, and half of the next, in one read.
#[test]
fn half_a_command_is_under_its_timeout_whatever_came_before_it() {
    let mut server = selected(Extensions::new());
    server.handle_input(Time::ZERO, b"+ x\r\nf FET");
    while !matches!(server.poll_event(), Ok(Step::NeedInput)) {}
    assert_eq!(server.timer(), Some(posthaste_imap::server::Timer::Command));
}

#[test]
fn of_one_mailbox_only_the_newest_status_is_held() {
    let mut server = selected(everything());
    said(&mut server, WATCH);
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    for messages in 1..100 {
        server.update(status("a", messages)).unwrap();
    }
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 1 FETCH ()\r\n* STATUS a (MESSAGES 99)\r\nf OK FETCH completed\r\n");
}

#[test]
fn without_notify_nothing_is_told_of_other_mailboxes() {
    let mut server = selected(everything());
    assert!(server.update(status("a", 1)).is_err());
    said(&mut server, WATCH);
    server.update(status("a", 1)).unwrap();
    assert_eq!(sent(&mut server), "* STATUS a (MESSAGES 1)\r\n");
    said(&mut server, b"n NOTIFY NONE\r\n");
    assert!(server.update(status("a", 2)).is_err());
    let names = vec![EntryName::new("/shared/comment").unwrap()];
    said(&mut server, b"e ENABLE METADATA\r\n");
    server.update(Update::Metadata(Mailbox::inbox(), names.clone())).unwrap();
    assert_eq!(sent(&mut server), "* METADATA INBOX /shared/comment\r\n");
    assert!(selected(Extensions::new()).update(Update::Metadata(Mailbox::inbox(), names)).is_err());
}

#[test]
fn under_notify_selected_expunges_come_between_commands_but_not_while_numbers_are_in_use() {
    let mut server = selected(everything());
    said(&mut server, WATCH);
    assert!(server.may_expunge());
    server.update(Update::Expunged(message(1))).unwrap();
    assert_eq!(sent(&mut server), "* 1 EXPUNGE\r\n");
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let fetch = named_event!(server, Fetch).begin();
    server.update(Update::Expunged(message(1))).unwrap();
    assert_eq!(sent(&mut server), "");
    fetch.ok(&mut server).unwrap();
    // SELECTED-DELAYED waits as if there were no NOTIFY.
    let mut delayed = selected(everything());
    said(&mut delayed, b"n NOTIFY SET (selected-delayed (MessageNew MessageExpunge))\r\n");
    assert!(!delayed.may_expunge());
}

#[test]
fn a_uid_search_with_numbers_in_it_keeps_the_numbers_as_they_are() {
    for (search, told) in [
        ("UID SEARCH UNSEEN", true),
        ("UID SEARCH NOT (OR 1:2 SEEN)", false),
        ("UID SEARCH UID 1:2", true),
        ("SEARCH UNSEEN", false),
    ] {
        let mut server = selected(Extensions::new());
        server.handle_input(Time::ZERO, format!("a {search}\r\n").as_bytes());
        let asked = named_event!(server, Search);
        server.update(Update::Expunged(message(1))).unwrap();
        assert_eq!(sent(&mut server).contains("* 1 EXPUNGE\r\n"), told, "{search}");
        drop(asked);
    }
}

#[test]
fn notify_refuses_events_nobody_knows_and_sends_status_where_asked() {
    let mut server = selected(everything());
    let text = said(&mut server, b"a NOTIFY SET (inboxes (Sunrise))\r\n");
    assert!(text.starts_with("a NO [BADEVENT (MessageNew MessageExpunge FlagChange "), "{text}");
    let text = said(&mut server, b"b NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge))\r\n");
    assert_eq!(text, "* STATUS INBOX (MESSAGES 3)\r\nb OK NOTIFY completed\r\n");
    server.handle_input(Time::ZERO, b"c NOTIFY SET (inboxes (MailboxName))\r\n");
    let notify = named_event!(server, Notify);
    notify.bad_event(&mut server, &[posthaste_imap::types::NotifyEvent::FlagChange]).unwrap();
    assert!(sent(&mut server).starts_with("c NO [BADEVENT (FlagChange)] "));
}

#[test]
fn progress_reaches_the_client_only_where_it_is_offered_and_never_within_a_row() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let fetch = named_event!(server, Fetch).begin();
    fetch.progress(&mut server, 5, NonZeroU32::new(9)).unwrap();
    fetch.ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("* OK [INPROGRESS (\"f\" 5 9)] "));
    let mut silent = selected(Extensions::new());
    silent.handle_input(Time::ZERO, b"f SEARCH ALL\r\n");
    let search = named_event!(silent, Search);
    search.progress(&mut silent, 5, None).unwrap();
    assert_eq!(sent(&mut silent), "");
}

#[test]
fn recent_is_told_to_clients_of_imap4rev1_only() {
    let mut server = selected(everything());
    server.update(Update::Recent(1)).unwrap();
    assert_eq!(sent(&mut server), "* 1 RECENT\r\n");
    said(&mut server, b"e ENABLE IMAP4rev2\r\n");
    server.update(Update::Recent(2)).unwrap();
    assert_eq!(sent(&mut server), "");
}

#[test]
fn an_expunge_without_a_uid_is_refused_where_the_client_thinks_in_uids() {
    let mut server = selected(everything());
    server.update(Update::Expunged(number(1).into())).unwrap();
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    assert!(matches!(server.update(Update::Expunged(number(1).into())), Err(Misuse::Argument { .. })));
}

#[test]
fn rfc7162_3_2_10_expunges_in_a_row_leave_as_one_vanished() {
    let mut server = server(everything());
    said(&mut server, b"l LOGIN u p\r\ne ENABLE QRESYNC\r\ns SELECT inbox\r\n");
    for update in [
        Update::Expunged(message(1)),
        Update::Expunged(message(1)),
        Update::Vanished(uids(&[11, 12, 30])),
        Update::Exists(9),
        Update::Vanished(uids(&[41])),
    ] {
        server.update(update).unwrap();
    }
    assert_eq!(sent(&mut server), "", "no command is in progress");
    server.handle_input(Time::ZERO, b"n NOOP\r\n");
    named_event!(server, Noop).ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* VANISHED 10:12,30\r\n* 9 EXISTS\r\n* VANISHED 41\r\nn OK "), "{text}");
    // No line is as long as a mailbox.
    let odd = |from: u32| uids(&(from..from + 1_600).step_by(2).collect::<Vec<_>>());
    for from in [1, 2_001, 4_001] {
        server.update(Update::Vanished(odd(from))).unwrap();
    }
    server.handle_input(Time::ZERO, b"n NOOP\r\n");
    named_event!(server, Noop).ok(&mut server).unwrap();
    assert_eq!(sent(&mut server).matches("* VANISHED ").count(), 2);
    // A client that counts does not know the word.
    let mut server = selected(everything());
    assert!(matches!(server.update(Update::Vanished(uids(&[10]))), Err(Misuse::NotNow { .. })));
}

fn flags_of(uid: NonZeroU32) -> Option<Vec<FetchItem>> {
    (uid.get() != 30).then(|| vec![FetchItem::Uid(uid), FetchItem::Flags([Flag::Seen].into())])
}

#[test]
fn a_view_is_told_in_the_form_the_client_has_enabled_and_when_it_may_be() {
    for (before, gone) in
        [("", "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"), ("e ENABLE QRESYNC\r\n", "* VANISHED 10,30\r\n")]
    {
        let mut server = server(everything());
        said(&mut server, format!("l LOGIN u p\r\n{before}").as_bytes());
        let mut view = View::new([10, 20, 30]);
        view.flags_changed(20, 1);
        server.tell(&mut view, flags_of).unwrap();
        assert_eq!((server.allowed(), sent(&mut server)), (Allowed::Nothing, String::new()));
        said(&mut server, b"s SELECT inbox\r\n");
        view.expunged(10);
        server.tell(&mut view, flags_of).unwrap();
        assert_eq!(sent(&mut server), "* 2 FETCH (UID 20 FLAGS (\\Seen))\r\n", "{before}");
        view.expunged(30);
        view.arrived(40, 2);
        server.handle_input(Time::ZERO, b"n NOOP\r\n");
        let noop = named_event!(server, Noop);
        server.tell(&mut view, flags_of).unwrap();
        noop.ok(&mut server).unwrap();
        let text = sent(&mut server);
        assert!(text.starts_with(&format!("{gone}* 2 EXISTS\r\nn OK ")), "{before}: {text}");
        // Of a message that the application cannot speak for there is no row.
        view.arrived(50, 3);
        view.expunged(50);
        view.flags_changed(30, 4);
        server.tell(&mut view, flags_of).unwrap();
        assert_eq!(sent(&mut server), "");
    }
}

#[test]
fn imap_23_what_a_view_cannot_tell_stays_in_it_until_it_can() {
    let mut server = with(everything(), |config| config.limits.updates_max = 2);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    let mut view = View::new([10, 20, 40]);
    for uid in [10, 20, 40] {
        view.flags_changed(uid, 1);
    }
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    server.tell(&mut view, flags_of).unwrap();
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(sent(&mut server).matches("FLAGS").count(), 2);
    assert_eq!(server.poll_event(), Ok(Step::Event(Event::Resync)));
    server.tell(&mut view, flags_of).unwrap();
    assert_eq!(sent(&mut server), "* 3 FETCH (UID 40 FLAGS (\\Seen))\r\n");
}

#[test]
fn res_08_commands_that_do_nothing_are_not_answered_for_ever() {
    for (login, command) in
        [("", "NOOP"), ("", "CAPABILITY"), ("l LOGIN u p\r\n", "CAPABILITY"), ("", "ID NIL")]
    {
        let mut server = with(everything(), |config| config.limits.junk_commands_max = 10);
        said(&mut server, login.as_bytes());
        let text = said(&mut server, format!("a {command}\r\n").repeat(100).as_bytes());
        assert_eq!(text.matches("a OK ").count(), 10, "{command}: {text}");
        assert!(text.ends_with("* BYE Too many commands that do nothing\r\n"), "{text}");
    }
    // A client that polls is no flood.
    let mut server = with(everything(), |config| config.limits.junk_commands_max = 10);
    said(&mut server, b"l LOGIN u p\r\n");
    let text = said(&mut server, &b"a NOOP\r\n".repeat(100));
    assert_eq!(text.matches("a OK ").count(), 100);
}

#[test]
fn rfc9051_6_2_2_a_response_that_is_no_message_of_the_mechanism_is_bad_and_counts() {
    let mut server = with(everything(), |config| config.limits.auth_failures_max = 2);
    server.handle_input(Time::ZERO, b"a AUTHENTICATE PLAIN AAAA\r\n");
    named_event!(server, Auth).malformed(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("\r\na BAD ") && !text.contains("BYE"), "{text}");
    server.handle_input(Time::ZERO, b"b AUTHENTICATE PLAIN\r\n");
    named_event!(server, Auth).challenge(&mut server, b"").unwrap();
    server.handle_input(Time::ZERO, b"AAAA\r\n");
    named_event!(server, Auth).malformed(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("b BAD ") && text.contains("\r\n* BYE "), "{text}");
}

#[test]
fn auth_06_a_login_that_makes_no_sense_counts_as_a_failed_one() {
    let mut server = with(everything(), |config| config.limits.auth_failures_max = 2);
    for _ in 0..2 {
        server.handle_input(Time::ZERO, b"a LOGIN u p\r\n");
        named_event!(server, Login).bad(&mut server, "No").unwrap();
    }
    assert!(sent(&mut server).ends_with("a BAD No\r\n* BYE Too many failed logins\r\n"));
}

#[test]
fn auth_06_mechanisms_are_not_guessed_at_for_ever() {
    let mut server = with(everything(), |config| config.limits.violations_preauth_max = 3);
    let text = said(&mut server, &b"a AUTHENTICATE X\r\n".repeat(10));
    assert_eq!(text.matches("a NO [CANNOT] ").count(), 3, "{text}");
    assert!(text.contains("\r\n* BYE "), "{text}");
}

#[test]
fn a_token_of_another_connection_changes_nothing() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    let mut other = selected(everything());
    other.handle_input(Time::ZERO, b"s SELECT inbox\r\n");
    let asked = named_event!(other, Select);
    let selecting = asked.open(&mut other, support::inbox(), SelectMore::default()).unwrap();
    assert_eq!(selecting.no(&mut server, Refusal::nonexistent()), Err(Misuse::WrongConnection));
    // It still knows that its own mailbox has mod-sequences.
    assert!(said(&mut server, b"x EXPUNGE\r\n").contains("x OK [HIGHESTMODSEQ 701] "));
}

#[test]
fn auth_06_failed_logins_stay_counted_over_unauthenticate() {
    let mut server = with(everything(), |config| config.limits.auth_failures_max = 3);
    for round in 0..2 {
        assert!(said(&mut server, b"a LOGIN u wrong\r\n").contains("a NO "), "{round}");
        said(&mut server, b"b LOGIN u p\r\nc UNAUTHENTICATE\r\n");
    }
    assert!(said(&mut server, b"a LOGIN u wrong\r\n").contains("* BYE "));
}

#[test]
fn auth_exchanges_end_after_so_many_steps() {
    let mut server = with(everything(), |config| config.limits.auth_steps_max = 3);
    server.handle_input(Time::ZERO, b"a AUTHENTICATE PLAIN\r\n");
    let mut challenges = 0;
    while let Ok(Step::Event(event)) = server.poll_event() {
        match event {
            Event::Auth(auth) => {
                auth.challenge(&mut server, b"more").unwrap();
                challenges += 1;
                server.handle_input(Time::ZERO, b"eA==\r\n");
            }
            Event::AuthCancelled => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(challenges, 4);
    let text = sent(&mut server);
    assert_eq!(text.matches("+ bW9yZQ==\r\n").count(), 3, "{text}");
    assert!(text.contains("a NO [LIMIT] "), "{text}");
}

/// What happens to a mailbox and what its client does.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Arrives,
    IsExpunged(usize),
    IsFlagged(usize),
    /// A command begins, or the one that runs ends.
    Command(Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Noop,
    Fetch,
    UidFetch,
    Store,
    Search,
    UidSearch,
    Idle,
}

enum Running {
    Noop(Asked<Noop>),
    Fetch(Asked<Fetch>),
    Store(Asked<Store>),
    Search(Asked<Search>),
    Idle,
}

/// A mailbox, the machine in front of it, and a client that counts.
struct Model {
    server: Server,
    /// The UIDs in the mailbox, as the application has told them.
    mailbox: Vec<u32>,
    next: u32,
    /// The UIDs the client knows, `None` for those it has not heard the UID of.
    client: Vec<Option<u32>>,
    running: Option<(Kind, Running)>,
    uid_only: bool,
    /// Whether expunges are told by UID.
    by_uid: bool,
}

impl Model {
    fn new(enable: &str) -> Self {
        let mut server = selected(everything());
        said(&mut server, format!("e ENABLE {enable}\r\n").as_bytes());
        let client = vec![Some(10), Some(20), Some(30)];
        let uid_only = enable == "UIDONLY";
        let by_uid = uid_only || enable == "QRESYNC";
        Self { server, mailbox: vec![10, 20, 30], next: 40, client, running: None, uid_only, by_uid }
    }

    fn message(&self, at: usize) -> Message {
        Message::new(number(u32::try_from(at + 1).unwrap()), number(self.mailbox[at]))
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives => {
                self.mailbox.push(self.next);
                self.next += 10;
                self.server.update(Update::Exists(u32::try_from(self.mailbox.len()).unwrap())).unwrap();
                if self.by_uid {
                    // VANISHED means nothing to a client that does not know the UID yet.
                    self.happen(Happening::IsFlagged(self.mailbox.len() - 1));
                }
            }
            Happening::IsExpunged(at) if !self.mailbox.is_empty() => {
                let at = at % self.mailbox.len();
                self.server.update(Update::Expunged(self.message(at))).unwrap();
                self.mailbox.remove(at);
            }
            Happening::IsFlagged(at) if !self.mailbox.is_empty() => {
                let message = self.message(at % self.mailbox.len());
                let items = vec![FetchItem::Uid(message.uid.unwrap()), FetchItem::Flags([Flag::Seen].into())];
                self.server.update(Update::Fetch(message, items)).unwrap();
            }
            Happening::Command(kind) if self.running.is_none() => self.begin(kind),
            Happening::Command(_) => self.end(),
            Happening::IsExpunged(_) | Happening::IsFlagged(_) => {}
        }
        self.listen();
    }

    fn begin(&mut self, kind: Kind) {
        let command: &[u8] = match kind {
            Kind::Noop => b"c NOOP\r\n",
            Kind::Idle => b"c IDLE\r\n",
            Kind::UidFetch => b"c UID FETCH 1:* UID\r\n",
            Kind::UidSearch => b"c UID SEARCH ALL\r\n",
            _ if self.uid_only => return,
            Kind::Fetch => b"c FETCH 1:* UID\r\n",
            Kind::Store => b"c STORE 1:* +FLAGS (\\Seen)\r\n",
            Kind::Search => b"c SEARCH ALL\r\n",
        };
        self.server.handle_input(Time::ZERO, command);
        let running = match self.server.poll_event() {
            Ok(Step::Event(Event::Noop(asked))) => Running::Noop(asked),
            Ok(Step::Event(Event::Fetch(asked))) => Running::Fetch(asked),
            Ok(Step::Event(Event::Store(asked))) => Running::Store(asked),
            Ok(Step::Event(Event::Search(asked))) => Running::Search(asked),
            Ok(Step::Event(Event::Idle(asked))) => {
                let _: &Asked<Idle> = &asked;
                asked.start(&mut self.server).unwrap();
                Running::Idle
            }
            other => panic!("{other:?}"),
        };
        self.running = Some((kind, running));
    }

    fn end(&mut self) {
        let Some((kind, running)) = self.running.take() else { return };
        let server = &mut self.server;
        match running {
            Running::Noop(asked) => asked.ok(server).unwrap(),
            Running::Fetch(asked) => asked.begin().ok(server).unwrap(),
            Running::Store(asked) => asked.ok(server).unwrap(),
            Running::Search(asked) => asked.ok(server, vec![]).unwrap(),
            Running::Idle => {
                server.handle_input(Time::ZERO, b"DONE\r\n");
                let done: Asked<IdleDone> = named_event!(server, IdleDone);
                done.ok(server).unwrap();
            }
        }
        // What comes with the end of a command belongs to it.
        self.hear(Some(kind));
    }

    fn listen(&mut self) {
        let kind = self.running.as_ref().map(|(kind, _)| *kind);
        self.hear(kind);
    }

    /// The reference client: it fails where it is told what it cannot follow.
    fn hear(&mut self, kind: Option<Kind>) {
        let may_shrink = matches!(kind, Some(Kind::Noop | Kind::UidFetch | Kind::UidSearch | Kind::Idle));
        for line in sent(&mut self.server).split_terminator("\r\n") {
            let line = Bytes::copy_from_slice(line.as_bytes());
            match parse::response(&line, &ParseContext::client()).unwrap().response {
                Response::Exists(exists) => {
                    let exists = usize::try_from(exists).unwrap();
                    assert!(exists >= self.client.len(), "EXISTS never shrinks a mailbox");
                    self.client.resize(exists, None);
                }
                Response::Expunge(seq) => {
                    assert!(may_shrink, "EXPUNGE during {kind:?}");
                    self.client.remove(usize::try_from(seq.get()).unwrap() - 1);
                }
                Response::Vanished { earlier, uids } => {
                    assert!(may_shrink && !earlier, "VANISHED during {kind:?}");
                    for uid in uids.iter() {
                        let at = self.client.iter().position(|known| *known == Some(uid));
                        self.client.remove(at.unwrap());
                    }
                }
                Response::Fetch(seq, items) => {
                    let FetchItem::Uid(uid) = items[0] else { panic!() };
                    let known = &mut self.client[usize::try_from(seq.get()).unwrap() - 1];
                    assert!(known.is_none_or(|known| known == uid.get()), "{seq} is {known:?}, not {uid}");
                    *known = Some(uid.get());
                }
                Response::UidFetch(uid, _) => {
                    assert!(self.uid_only);
                    if !self.client.contains(&Some(uid.get())) {
                        *self.client.iter_mut().find(|known| known.is_none()).unwrap() = Some(uid.get());
                    }
                }
                _ => {}
            }
        }
    }

    /// After a NOOP the client knows all.
    fn settle(&mut self) {
        self.end();
        self.begin(Kind::Noop);
        self.listen();
        self.end();
        assert_eq!(self.client.len(), self.mailbox.len());
        for (known, uid) in self.client.iter().zip(&self.mailbox) {
            assert!(known.is_none_or(|known| known == *uid), "{:?} {:?}", self.client, self.mailbox);
        }
    }
}

proptest! {
    #[test]
    fn mbx_14_a_client_never_loses_count(
        enable in prop::sample::select(vec!["X-NONE", "QRESYNC", "IMAP4rev2", "UIDONLY"]),
        happenings in prop::collection::vec(
            prop_oneof![
                Just(Happening::Arrives),
                (0usize..8).prop_map(Happening::IsExpunged),
                (0usize..8).prop_map(Happening::IsFlagged),
                prop::sample::select(vec![
                    Kind::Noop, Kind::Fetch, Kind::UidFetch, Kind::Store, Kind::Search, Kind::UidSearch, Kind::Idle,
                ]).prop_map(Happening::Command),
            ],
            0..40,
        ),
    ) {
        let mut model = Model::new(enable);
        for happening in happenings {
            model.happen(happening);
        }
        model.settle();
    }

    #[test]
    fn any_order_of_commands_of_all_extensions_is_answered_once_each(
        commands in prop::collection::vec(
            prop::sample::select(vec![
                "ENABLE QRESYNC UTF8=ACCEPT", "ENABLE IMAP4rev2", "ENABLE UIDONLY", "SELECT inbox",
                "EXAMINE inbox (QRESYNC (9 5))", "UNSELECT", "CLOSE", "UNAUTHENTICATE", "LOGIN u p", "NOOP",
                "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)", "FETCH 1 MODSEQ", "UID STORE 1 (UNCHANGEDSINCE 3) FLAGS ()",
                "UID SEARCH RETURN (SAVE PARTIAL 1:2) $", "UID SORT (DATE) UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL",
                "APPEND inbox {1+}\r\nx {1+}\r\ny", "UID REPLACE 10 inbox {1+}\r\nx", "NOTIFY NONE",
                "NOTIFY SET STATUS (selected (MessageNew MessageExpunge))", "GETQUOTAROOT inbox", "MYRIGHTS inbox",
                "UIDBATCHES 500", "UIDBATCHES 1", "ESEARCH IN (personal) UNSEEN", "UID MOVE 10 x", "EXPUNGE",
                "LIST \"\" * RETURN (STATUS (HIGHESTMODSEQ SIZE))", "STATUS inbox (MAILBOXID)", "BOGUS {3+}\r\nabc",
                "SETMETADATA inbox (/private/x {1+}\r\ny)", "CAPABILITY",
            ]),
            0..12,
        ),
        size in 1usize..40,
    ) {
        let unlimited = || with(everything(), |config| {
            config.limits.violations_max = u32::MAX;
            config.limits.violations_preauth_max = u32::MAX;
        });
        let input: String = commands.iter().enumerate().map(|(at, command)| format!("t{at} {command}\r\n")).collect();
        let mut server = unlimited();
        let whole = posthaste_testkit::run(&mut server, [input.as_bytes()], true, support::application);
        let pieces = posthaste_testkit::run(&mut unlimited(), input.as_bytes().chunks(size), true, support::application);
        prop_assert_eq!(&whole, &pieces);
        let text = whole.text();
        for at in 0..commands.len() {
            let answers = ["OK", "NO", "BAD"].iter().map(|word| text.matches(&format!("\r\nt{at} {word} ")).count());
            prop_assert_eq!(answers.sum::<usize>(), 1, "t{} in {}", at, text);
        }
    }
}
