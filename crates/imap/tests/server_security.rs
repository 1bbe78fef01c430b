//! The server machine against the catalogue of attacks, by id: every command in every state, and every production with
//! more in it than anybody needs.
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

use posthaste_imap::server::{Extensions, Refusal, Server};
use posthaste_imap::{State, Step, Time};
use posthaste_testkit::{measure, run};
use support::{application, everything, said, selected, sent, with};

/// Every command, and the least state it belongs to.
const COMMANDS: [(&str, State); 62] = [
    ("LIST \"\" *", State::Authenticated),
    ("LSUB \"\" *", State::Authenticated),
    ("SUBSCRIBE x", State::Authenticated),
    ("UNSUBSCRIBE x", State::Authenticated),
    ("CREATE x", State::Authenticated),
    ("DELETE x", State::Authenticated),
    ("RENAME x y", State::Authenticated),
    ("STATUS x (MESSAGES)", State::Authenticated),
    ("SELECT x", State::Authenticated),
    ("EXAMINE x", State::Authenticated),
    ("APPEND x {1+}\r\ny", State::Authenticated),
    ("NAMESPACE", State::Authenticated),
    ("ENABLE CONDSTORE", State::Authenticated),
    ("NOTIFY NONE", State::Authenticated),
    ("ESEARCH IN (personal) ALL", State::Authenticated),
    ("GETQUOTA x", State::Authenticated),
    ("GETQUOTAROOT x", State::Authenticated),
    ("SETQUOTA x (STORAGE 1)", State::Authenticated),
    ("GETACL x", State::Authenticated),
    ("SETACL x joe l", State::Authenticated),
    ("DELETEACL x joe", State::Authenticated),
    ("LISTRIGHTS x joe", State::Authenticated),
    ("MYRIGHTS x", State::Authenticated),
    ("GETMETADATA x /private/x", State::Authenticated),
    ("SETMETADATA x (/private/x NIL)", State::Authenticated),
    ("CHECK", State::Selected),
    ("CLOSE", State::Selected),
    ("UNSELECT", State::Selected),
    ("EXPUNGE", State::Selected),
    ("FETCH 1 UID", State::Selected),
    ("STORE 1 FLAGS ()", State::Selected),
    ("COPY 1 x", State::Selected),
    ("MOVE 1 x", State::Selected),
    ("SEARCH ALL", State::Selected),
    ("SORT (DATE) UTF-8 ALL", State::Selected),
    ("THREAD REFERENCES UTF-8 ALL", State::Selected),
    ("REPLACE 1 x {1+}\r\ny", State::Selected),
    ("UID EXPUNGE 1", State::Selected),
    ("UID FETCH 1 UID", State::Selected),
    ("UID STORE 1 FLAGS ()", State::Selected),
    ("UID COPY 1 x", State::Selected),
    ("UID MOVE 1 x", State::Selected),
    ("UID SEARCH ALL", State::Selected),
    ("UID SORT (DATE) UTF-8 ALL", State::Selected),
    ("UID THREAD REFERENCES UTF-8 ALL", State::Selected),
    ("UID REPLACE 1 x {1+}\r\ny", State::Selected),
    ("UIDBATCHES 500", State::Selected),
    ("LOGIN u p", State::NotAuthenticated),
    ("AUTHENTICATE PLAIN AHUAcA==", State::NotAuthenticated),
    // Never, in any state.
    ("STARTTLS", State::Logout),
    ("XLIST \"\" *", State::Logout),
    ("GENURLAUTH x INTERNAL", State::Logout),
    ("URLFETCH x", State::Logout),
    ("RESETKEY", State::Logout),
    ("LANGUAGE", State::Logout),
    ("COMPARATOR", State::Logout),
    ("GETJMAPACCESS", State::Logout),
    ("CANCELUPDATE \"a\"", State::Logout),
    ("XUNDOCUMENTED", State::Logout),
    ("LOCALDELETE x", State::Logout),
    ("UID NOOP", State::Logout),
    ("UID", State::Logout),
];

fn in_state(state: State) -> Server {
    let mut server = support::server(everything());
    let setup: &[u8] = match state {
        State::Authenticated => b"l LOGIN u p\r\n",
        State::Selected => b"l LOGIN u p\r\ns SELECT inbox\r\n",
        _ => b"",
    };
    said(&mut server, setup);
    assert_eq!(server.state(), state);
    server
}

#[test]
fn mbx_08_every_command_in_every_state() {
    for (command, least) in COMMANDS {
        for state in [State::NotAuthenticated, State::Authenticated, State::Selected] {
            let mut server = in_state(state);
            let text = said(&mut server, format!("a {command}\r\n").as_bytes());
            let is_legal = match least {
                State::NotAuthenticated => state == State::NotAuthenticated,
                State::Authenticated => state != State::NotAuthenticated,
                State::Selected => state == State::Selected,
                State::Logout => false,
            };
            let expected = if is_legal { "a OK " } else { "a BAD " };
            assert!(text.contains(expected), "{command} in {state:?}: {text}");
            assert!(!text.contains("\r\n+ "), "{command} in {state:?}: {text}");
        }
    }
}

#[test]
fn imap_06_no_production_has_room_for_everything() {
    let many = |item: &str, separator: &str| [item].repeat(1100).join(separator);
    for command in [
        format!("SEARCH {}", many("SEEN", " ")),
        format!("ESEARCH IN (mailboxes ({})) ALL", many("x", " ")),
        format!("SORT ({}) UTF-8 ALL", many("DATE", " ")),
        format!("FETCH 1 ({})", many("FLAGS", " ")),
        format!("FETCH 1 BODY[HEADER.FIELDS ({})]", many("To", " ")),
        format!("STORE 1 FLAGS ({})", many("\\Seen", " ")),
        format!("LIST \"\" ({})", many("x", " ")),
        format!("LIST ({}) \"\" x", many("SUBSCRIBED", " ")),
        format!("LIST \"\" x RETURN ({})", many("CHILDREN", " ")),
        format!("STATUS x ({})", many("MESSAGES", " ")),
        format!("NOTIFY SET {}", many("(inboxes (MailboxName))", " ")),
        format!("NOTIFY SET (inboxes ({}))", many("MailboxName", " ")),
        format!("GETMETADATA x ({})", many("/private/x", " ")),
        format!("SETMETADATA x ({})", many("/private/x NIL", " ")),
        format!("SETQUOTA x ({})", many("STORAGE 1", " ")),
        format!("CREATE x (USE ({}))", many("\\Sent", " ")),
        format!("SELECT x ({})", many("CONDSTORE", " ")),
        format!("APPEND x ({}) {{1+}}\r\ny", many("\\Seen", " ")),
        format!("ENABLE {}", many("CONDSTORE", " ")),
        format!("SEARCH RETURN ({}) ALL", many("MIN", " ")),
        format!("FETCH {} UID", ["1"].repeat(10_100).join(",")),
    ] {
        let mut server = selected(everything());
        let mut text = String::new();
        let measured = measure(|| text = said(&mut server, format!("a {command}\r\n").as_bytes()));
        let name = &command[..command.len().min(40)];
        assert!(text.contains("a BAD "), "{name}: {text}");
        assert!(measured.peak < 2_000_000, "{name}: {measured:?}");
        assert!(said(&mut server, b"b NOOP\r\n").contains("b OK "), "{name}");
    }
}

#[test]
fn a_login_counts_as_failed_however_it_is_refused_but_where_it_could_not_be_tried() {
    for (refusal, is_counted) in [(Refusal::new("No"), true), (Refusal::unavailable(), false)] {
        let mut server = support::server(everything());
        for _ in 0..3 {
            server.handle_input(Time::ZERO, b"a LOGIN u p\r\n");
            let login = support::named_event!(server, Login);
            login.no(&mut server, refusal.clone()).unwrap();
        }
        let is_closed = server.poll_event() == Ok(Step::Closed);
        assert_eq!(is_closed, is_counted, "{refusal:?}");
    }
}

#[test]
fn imap_14_tags_that_are_none_are_not_echoed() {
    for tag in ["", "*", "+", "a+b", "a\x01", "a\x7f", "a(", "a{", "a\"", "a%"] {
        let text = said(&mut selected(Extensions::new()), format!("{tag} NOOP\r\n").as_bytes());
        assert!(text.starts_with("* BAD "), "{tag:?}: {text}");
    }
    let text = said(&mut selected(Extensions::new()), format!("{} NOOP\r\n", "a".repeat(60_000)).as_bytes());
    assert!(text.starts_with("* BAD ") && text.len() < 100, "{}", text.len());
    assert!(said(&mut selected(Extensions::new()), b"a] NOOP\r\n").starts_with("a] OK "));
}

#[test]
fn imap_11_numbers_at_the_edge_are_refused_or_hold() {
    let mut server = selected(everything());
    for (command, is_ok) in [
        ("SEARCH RETURN (PARTIAL 1:18446744073709551615) ALL", false),
        ("SEARCH RETURN (PARTIAL -1:-4294967296) ALL", false),
        ("SEARCH RETURN (PARTIAL -4294967295:-1) ALL", true),
        ("SEARCH RETURN (PARTIAL 0:1) ALL", false),
        ("SEARCH MODSEQ 18446744073709551616", false),
        ("SEARCH OLDER 4294967296", false),
        ("SEARCH OLDER 0", false),
        ("SEARCH LARGER 18446744073709551616", false),
        ("SEARCH SINCE 31-Feb-2024", false),
        ("UIDBATCHES 4294967296", false),
        ("UIDBATCHES 4294967295 4294967295:4294967295", true),
        ("UID FETCH 4294967295:1 UID", true),
    ] {
        let text = said(&mut server, format!("a {command}\r\n").as_bytes());
        assert_eq!(text.contains("a OK "), is_ok, "{command}: {text}");
    }
}

#[test]
fn res_03_a_command_that_trickles_is_cut_off() {
    for begun in ["a LOG", "a LOGIN {5}\r\nab", "a AUTHENTICATE PLAIN\r\nAHU"] {
        let mut server = support::server(everything());
        said(&mut server, begun.as_bytes());
        let deadline = server.poll_timeout().unwrap();
        // More octets move nothing.
        server.handle_input(Time::from_epoch(core::time::Duration::from_secs(10)), b"A");
        let _ = server.poll_event();
        assert_eq!(server.poll_timeout(), Some(deadline), "{begun}");
        server.handle_timeout(deadline);
        assert_eq!(server.poll_event(), Ok(Step::Closed));
        assert!(sent(&mut server).contains("* BYE "));
    }
}

#[test]
fn res_16_a_thousand_commands_in_one_segment_are_answered_in_order() {
    let mut server = with(everything(), |config| config.limits.junk_commands_max = u32::MAX);
    let mut input = String::from("l LOGIN u p\r\n");
    (0..1000).for_each(|at| input.push_str(&format!("t{at} NOOP\r\n")));
    let text = run(&mut server, [input.as_bytes()], true, application).text();
    let places: Vec<usize> = (0..1000).map(|at| text.find(&format!("\r\nt{at} OK ")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn imap_17_id_is_bounded() {
    let pairs = |count: usize| vec!["\"k\" \"v\""; count].join(" ");
    for (list, is_ok) in [
        ("NIL".to_owned(), true),
        (format!("({})", pairs(30)), true),
        (format!("({})", pairs(31)), false),
        (format!("(\"{}\" \"v\")", "k".repeat(31)), false),
        (format!("(\"k\" \"{}\")", "v".repeat(1025)), false),
        ("((\"k\" \"v\"))".to_owned(), false),
    ] {
        let text = said(&mut selected(Extensions::new()), format!("a ID {list}\r\n").as_bytes());
        assert_eq!(text.contains("a OK "), is_ok, "{list}: {text}");
    }
}

#[test]
fn imap_18_what_follows_done_on_its_line_ends_the_conversation() {
    for line in ["DONE ", "DONE x", " DONE", "x DONE", "DONE\n"] {
        let mut server = selected(Extensions::new());
        said(&mut server, b"a IDLE\r\n");
        let text = said(&mut server, format!("{line}\r\n").as_bytes());
        assert!(text.contains("a BAD ") && text.contains("* BYE "), "{line:?}: {text}");
        assert_eq!(server.poll_event(), Ok(Step::Closed));
    }
}

#[test]
fn imap_19_an_initial_response_without_end_is_dropped() {
    let mut server = support::server(everything());
    let mut peak = 0;
    said(&mut server, b"a AUTHENTICATE PLAIN ");
    for _ in 0..64 {
        let chunk = [b'A'; 16 * 1024];
        let measured = measure(|| {
            server.handle_input(Time::ZERO, &chunk);
            while let Ok(Step::Event(_)) = server.poll_event() {}
        });
        peak = peak.max(measured.peak);
    }
    assert!(peak < 64 * 1024, "{peak}");
    assert_eq!(sent(&mut server).matches("BAD [TOOBIG]").count(), 1);
    assert!(said(&mut server, b"\r\nb LOGIN u p\r\n").contains("b OK "));
}

#[test]
fn imap_21_recent_is_not_the_clients_to_set() {
    for command in ["STORE 1 FLAGS (\\Recent)", "APPEND x (\\Recent) {1+}\r\ny", "STORE 1 +FLAGS (\\*)"] {
        let text = said(&mut selected(Extensions::new()), format!("a {command}\r\nb NOOP\r\n").as_bytes());
        assert!(text.contains("a BAD ") && text.contains("b OK "), "{command}: {text}");
    }
}

#[test]
fn imap_22_imap_24_arguments_where_there_are_none_and_spaces_too_many() {
    for command in [
        "CAPABILITY x",
        "NAMESPACE x",
        "NOOP x",
        "LOGOUT x",
        "IDLE x",
        "UNSELECT x",
        "NOTIFY",
        "COMPRESS",
        "ENABLE",
        " NOOP",
        "NOOP ",
        "NO\tOP",
        "NO\u{d6}P",
        "UNAUTHENTICATE x",
        "UIDBATCHES",
        "GETQUOTA",
    ] {
        let text = said(&mut selected(everything()), format!("a {command}\r\nb NOOP\r\n").as_bytes());
        assert!(text.contains(" BAD ") && text.contains("b OK "), "{command:?}: {text}");
        assert!(!text.contains("a OK "), "{command:?}: {text}");
    }
    let text =
        said(&mut selected(everything()), b"a nOoP\r\nb XLEGACY {12+}\r\nc DELETE x\r\n\r\nd noop\r\n");
    assert!(text.contains("a OK ") && text.contains("b BAD ") && text.contains("d OK "), "{text}");
}

#[test]
fn a_password_in_a_literal_is_taken_like_any_other() {
    for input in [
        "a LOGIN u p\r\n",
        "a LOGIN {1+}\r\nu {1+}\r\np\r\n",
        "a LOGIN \"u\" {1}\r\np\r\n",
        "a AUTHENTICATE PLAIN AHUAcA==\r\n",
    ] {
        let outcome = posthaste_testkit::assert_split_invariant(
            || support::server(everything()),
            input.as_bytes(),
            true,
            application,
        );
        assert!(outcome.text().contains("a OK [CAPABILITY "), "{input}: {outcome:?}");
    }
}
