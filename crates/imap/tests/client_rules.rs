//! What a client must not send, or not yet: names in the wrong encoding beside IMAP4rev2 (RFC 9051 5.1, Appendix E),
//! ENABLE behind SELECT (RFC 5161 3.1), options without what they belong to (RFC 5258, RFC 5465, RFC 7162).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use client_support::{enabled, ready, say, selected, sent};
use posthaste_imap::client::{Client, CommandId, FirstStatus};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, EventGroup, FetchAttribute, ListCommand, ListPattern,
    ListReturn, ListSelection, ListStyle, Mailbox, MailboxFilter, NotifyEvent, QResync, SearchCommand,
    SearchKey, SequenceSet, StatusAttribute, UidSet,
};
use posthaste_imap::{Misuse, Secret, State};

fn name(text: &str) -> Mailbox {
    Mailbox::new(text).unwrap()
}

/// A client that was told these capabilities before login and after it.
fn logged_in(before: &str, after: &str) -> Client {
    let mut client = ready(before);
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, &format!("A1 OK [CAPABILITY {after}] in\r\n"));
    sent(&mut client);
    client
}

#[test]
fn rfc9051_5_1_with_rev2_alone_names_are_utf8_from_the_start() {
    let mut client = logged_in("IMAP4rev2", "IMAP4rev2");
    client.create(name("Entwürfe & mehr")).unwrap();
    assert_eq!(sent(&mut client), "A2 CREATE \"Entwürfe & mehr\"\r\n");
    client.list(name(""), ListPattern::new("ä*").unwrap()).unwrap();
    assert_eq!(sent(&mut client), "A3 LIST \"\" \"ä*\"\r\n");
    let events = say(&mut client, "* LIST () \"/\" \"R&D\"\r\n* LIST () \"/\" \"Entwürfe\"\r\n");
    assert_eq!(events, ["List R&D", "List Entwürfe"]);
    let events = say(&mut client, "* STATUS \"&AOQ-\" (MESSAGES 1)\r\n");
    assert_eq!(events, ["Status(Mailbox(\"&AOQ-\"), [Messages(1)])"], "an ampersand is an ampersand");
    client.status(name("&AOQ-"), vec![StatusAttribute::Messages]).unwrap();
    assert_eq!(sent(&mut client), "A4 STATUS &AOQ- (MESSAGES)\r\n");
    say(&mut client, "A2 OK\r\nA3 OK\r\nA4 OK\r\n");
    client.select(Mailbox::inbox(), vec![]).unwrap();
    say(&mut client, "A5 OK open\r\n");
    sent(&mut client);
    let keys = vec![SearchKey::Subject(AString::new("grün").unwrap())];
    client.search(Addressing::Uid, SearchCommand { returns: None, charset: None, keys }).unwrap();
    assert_eq!(
        sent(&mut client),
        "A6 UID SEARCH SUBJECT \"grün\"\r\n",
        "RFC 9051 6.4.4: UTF-8 is the default"
    );
}

#[test]
fn rfc9051_5_1_with_both_revisions_names_are_utf7_until_rev2_is_confirmed() {
    let both = "IMAP4rev1 IMAP4rev2";
    let mut client = logged_in(both, both);
    client.subscribe(name("ä")).unwrap();
    assert_eq!(sent(&mut client), "A2 SUBSCRIBE &AOQ-\r\n");
    assert_eq!(say(&mut client, "* LIST () \"/\" &AOQ-\r\nA2 OK\r\n")[0], "List ä");
    let rev2 = Capability::new("IMAP4rev2").unwrap();
    // Not confirmed: nothing has changed.
    client.enable(vec![rev2.clone()]).unwrap();
    client.subscribe(name("ä")).unwrap();
    say(&mut client, "A3 OK\r\n");
    assert_eq!(sent(&mut client), "A3 ENABLE IMAP4rev2\r\nA4 SUBSCRIBE &AOQ-\r\n");
    say(&mut client, "A4 OK\r\n");
    client.enable(vec![rev2]).unwrap();
    client.subscribe(name("ä")).unwrap();
    say(&mut client, "* ENABLED IMAP4rev2\r\nA5 OK\r\n");
    assert_eq!(sent(&mut client), "A5 ENABLE IMAP4rev2\r\nA6 SUBSCRIBE \"ä\"\r\n");
    assert_eq!(say(&mut client, "* LIST () \"/\" \"R&D\"\r\n"), ["List R&D"]);
    // What is announced later takes nothing back.
    say(&mut client, "* CAPABILITY IMAP4rev1 IMAP4rev2\r\nA6 OK\r\n");
    client.subscribe(name("ö")).unwrap();
    assert_eq!(sent(&mut client), "A7 SUBSCRIBE \"ö\"\r\n");
}

#[test]
fn rfc9051_5_1_what_is_announced_after_login_decides() {
    let mut client = logged_in("IMAP4rev2", "IMAP4rev1 IMAP4rev2");
    client.subscribe(name("ä")).unwrap();
    assert_eq!(sent(&mut client), "A2 SUBSCRIBE &AOQ-\r\n");
    let mut client = logged_in("IMAP4rev1", "IMAP4rev2");
    client.subscribe(name("ä")).unwrap();
    assert_eq!(sent(&mut client), "A2 SUBSCRIBE \"ä\"\r\n");
    // Another user, RFC 8437: what was enabled is gone, what the server is remains.
    let mut client = logged_in("IMAP4rev2", "IMAP4rev2 UNAUTHENTICATE");
    client.unauthenticate().unwrap();
    say(&mut client, "A2 OK [CAPABILITY IMAP4rev2] out\r\n");
    client.login("ann", Secret::from("pw")).unwrap();
    client.subscribe(name("ä")).unwrap();
    say(&mut client, "A3 OK [CAPABILITY IMAP4rev2] in\r\n");
    assert!(sent(&mut client).ends_with("A4 SUBSCRIBE \"ä\"\r\n"));
}

/// RFC 5161 3.1, RFC 9051 6.3.1: not once a mailbox was selected, and not after it was closed either.
#[test]
fn rfc5161_3_1_enable_comes_before_the_first_mailbox() {
    let qresync = || vec![Capability::QResync];
    let refused = |client: &mut Client| {
        let result = client.enable(qresync());
        assert!(matches!(result, Err(Misuse::NotNow { call: "ENABLE", .. })), "{result:?}");
        assert_eq!(sent(client), "");
    };
    let mut client = selected("ENABLE QRESYNC UNSELECT UNAUTHENTICATE");
    refused(&mut client);
    client.unselect().unwrap();
    sent(&mut client);
    refused(&mut client);
    say(&mut client, "A3 OK closed\r\n");
    assert_eq!(client.state(), State::Authenticated);
    refused(&mut client);
    // RFC 8437 2: everything is as it was before login.
    client.unauthenticate().unwrap();
    client.login("ann", Secret::from("pw")).unwrap();
    client.enable(qresync()).unwrap();
    let capabilities = "[CAPABILITY IMAP4rev1 ENABLE QRESYNC]";
    say(&mut client, &format!("A4 OK {capabilities} out\r\n"));
    say(&mut client, &format!("A5 OK {capabilities} in\r\n"));
    assert!(sent(&mut client).ends_with("A6 ENABLE QRESYNC\r\n"));
}

#[test]
fn rfc5161_3_1_enable_and_select_that_are_queued() {
    let capabilities = "IMAP4rev1 ENABLE QRESYNC";
    // SELECT waits for ENABLE, and ENABLE is not queued behind SELECT.
    let mut client = logged_in(capabilities, capabilities);
    client.enable(vec![Capability::QResync]).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    assert!(client.enable(vec![Capability::QResync]).is_err());
    assert_eq!(sent(&mut client), "A2 ENABLE QRESYNC\r\n");
    say(&mut client, "* ENABLED QRESYNC\r\nA2 OK\r\n");
    assert_eq!(sent(&mut client), "A3 SELECT INBOX\r\n");
    assert!(client.enable(vec![Capability::QResync]).is_err(), "while it is in progress");
    // A SELECT that failed has selected nothing.
    say(&mut client, "A3 NO none\r\n");
    client.enable(vec![Capability::QResync]).unwrap();
    assert_eq!(sent(&mut client), "A4 ENABLE QRESYNC\r\n");
}

/// RFC 9051 Appendix E: it is refused before an octet of it is sent.
#[test]
fn rfc9051_appendix_e_what_rev2_has_dropped_is_refused_where_there_is_nothing_else() {
    type Call = fn(&mut Client) -> Result<CommandId, Misuse>;
    let calls: [(&str, Call); 7] = [
        ("LSUB \"\" *", |client| client.lsub(name(""), ListPattern::new("*").unwrap())),
        ("CHECK", Client::check),
        ("STATUS x (RECENT)", |client| client.status(name("x"), vec![StatusAttribute::Recent])),
        ("FETCH 1:* (RFC822)", |client| client.fetch(SequenceSet::all(), vec![FetchAttribute::Rfc822])),
        ("FETCH 1:* (RFC822.TEXT)", |client| {
            client.fetch(SequenceSet::all(), vec![FetchAttribute::Rfc822Text])
        }),
        ("UID SEARCH NOT NEW", |client| {
            let keys = vec![SearchKey::Not(Box::new(SearchKey::New))];
            client.search(Addressing::Uid, SearchCommand { returns: None, charset: None, keys })
        }),
        ("UID SEARCH RECENT", |client| {
            let keys = vec![SearchKey::Recent];
            client.search(Addressing::Uid, SearchCommand { returns: None, charset: None, keys })
        }),
    ];
    for (line, call) in calls {
        for (capabilities, is_taken) in [("IMAP4rev2", false), ("IMAP4rev1 IMAP4rev2", true), ("IMAP4", true)]
        {
            let mut client = logged_in(capabilities, capabilities);
            client.select(Mailbox::inbox(), vec![]).unwrap();
            say(&mut client, "A2 OK open\r\n");
            sent(&mut client);
            let result = call(&mut client);
            assert_eq!(result.is_ok(), is_taken, "{line} with {capabilities}: {result:?}");
            assert_eq!(sent(&mut client), if is_taken { format!("A3 {line}\r\n") } else { String::new() });
        }
    }
}

/// RFC 5258 3: more than one pattern, a selection, and what RETURN asks for beside it are of LIST-EXTENDED, however the
/// command was made.
#[test]
fn rfc5258_3_extended_list_is_refused_where_it_is_not_announced() {
    let list = |selection: &[ListSelection], patterns: usize, returns: &[ListReturn]| {
        let patterns = vec![ListPattern::new("*").unwrap(); patterns];
        let (style, reference) = (ListStyle::Basic, name(""));
        let (selection, returns) = (selection.to_vec(), returns.to_vec());
        Command::List(ListCommand { style, selection, reference, patterns, returns })
    };
    for command in [
        list(&[ListSelection::Subscribed], 1, &[]),
        list(&[], 2, &[]),
        list(&[], 1, &[ListReturn::Children]),
        list(&[], 1, &[ListReturn::Subscribed]),
    ] {
        let mut client = logged_in("IMAP4rev1", "IMAP4rev1");
        assert!(matches!(client.command(command.clone()), Err(Misuse::NotNow { call: "LIST", .. })));
        assert_eq!(sent(&mut client), "");
        assert!(logged_in("IMAP4rev2", "IMAP4rev2").command(command).is_ok());
    }
    let mut client = logged_in("IMAP4rev1", "IMAP4rev1");
    client.command(list(&[], 1, &[])).unwrap();
    assert_eq!(sent(&mut client), "A2 LIST \"\" *\r\n");
}

#[test]
fn rfc5258_3_1_recursivematch_does_not_stand_alone() {
    use ListSelection::{RecursiveMatch, Remote, SpecialUse, Subscribed};
    for (selection, is_taken) in [
        (vec![RecursiveMatch], false),
        (vec![RecursiveMatch, Remote], false),
        (vec![RecursiveMatch, Subscribed], true),
        (vec![SpecialUse, RecursiveMatch], true),
    ] {
        let mut client = logged_in("IMAP4rev2", "IMAP4rev2");
        let patterns = vec![ListPattern::new("*").unwrap()];
        let result = client.list_extended(selection, name(""), patterns, vec![]);
        assert_eq!(result.is_ok(), is_taken, "{result:?}");
        assert_eq!(sent(&mut client).is_empty(), !is_taken);
    }
}

#[test]
fn rfc5465_5_events_come_together() {
    use MailboxFilter::{Inboxes, Selected, SelectedDelayed};
    use NotifyEvent::{FlagChange, MailboxName, MessageExpunge, MessageNew};
    let new = || MessageNew(vec![]);
    let group = |mailboxes, events| EventGroup { mailboxes, events };
    for (groups, is_taken) in [
        (vec![group(Inboxes, vec![new(), MessageExpunge])], true),
        (vec![group(Inboxes, vec![new(), MessageExpunge, FlagChange])], true),
        (vec![group(Inboxes, vec![MailboxName])], true),
        (vec![group(Inboxes, vec![])], true),
        (vec![group(Selected, vec![MessageNew(vec![FetchAttribute::Uid]), MessageExpunge])], true),
        (vec![group(Inboxes, vec![new()])], false),
        (vec![group(Inboxes, vec![MessageExpunge])], false),
        (vec![group(Inboxes, vec![FlagChange])], false),
        (vec![group(Inboxes, vec![MessageNew(vec![FetchAttribute::Uid]), MessageExpunge])], false),
        (vec![group(Selected, vec![]), group(SelectedDelayed, vec![])], false),
    ] {
        let mut client = logged_in("IMAP4rev1 NOTIFY", "IMAP4rev1 NOTIFY");
        let result = client.notify(groups.clone(), FirstStatus::NotTold);
        assert_eq!(result.is_ok(), is_taken, "{groups:?}: {result:?}");
        assert_eq!(sent(&mut client).is_empty(), !is_taken);
    }
}

#[test]
fn rfc7162_3_2_5_2_known_numbers_and_uids_are_pairs_that_ascend() {
    let set = |ranges: &[(u32, u32)]| {
        let number = |number| core::num::NonZeroU32::new(number).unwrap();
        UidSet::new(ranges.iter().map(|(first, last)| number(*first)..=number(*last)))
    };
    for (numbers, uids, is_taken) in [
        (set(&[(1, 2), (9, 9)]), set(&[(10, 11), (30, 30)]), true),
        (set(&[(9, 9), (1, 2)]), set(&[(10, 11), (30, 30)]), false),
        (set(&[(1, 2), (9, 9)]), set(&[(30, 30), (10, 11)]), false),
        (set(&[(1, 3)]), set(&[(10, 11)]), false),
        (set(&[(1, 2), (2, 2)]), set(&[(10, 12)]), false),
    ] {
        let mut client = enabled("QRESYNC", &[Capability::QResync]);
        let (uid_validity, match_data) = (core::num::NonZeroU32::MIN, Some((numbers, uids)));
        let known = QResync { uid_validity, mod_seq: 1, known_uids: None, match_data };
        let result = client.select_qresync(Mailbox::inbox(), known);
        assert_eq!(result.is_ok(), is_taken, "{result:?}");
    }
}

#[test]
fn what_was_enabled_holds_in_the_mailbox() {
    let client = enabled("UTF8=ACCEPT", &[Capability::Utf8Accept]);
    assert!(client.is_enabled("UTF8=ACCEPT"));
    assert_eq!(client.mailbox().unwrap().exists, 5);
}

#[test]
fn rfc9755_5_no_login_with_what_is_not_ascii() {
    for (user, password, argument) in [("j\u{f6}", "pw", "user"), ("joe", "p\u{20ac}", "password")] {
        let mut client = ready("IMAP4rev1 LITERAL+");
        let refused = client.login(user, Secret::from(password)).unwrap_err();
        assert!(
            matches!(refused, Misuse::Argument { argument: named, .. } if named == argument),
            "{refused}"
        );
        assert_eq!(sent(&mut client), "");
        client.authenticate("PLAIN", Some(Secret::from("\0j\u{f6}\0p\u{20ac}"))).unwrap();
        assert_eq!(sent(&mut client), "A1 AUTHENTICATE PLAIN\r\n");
    }
}
