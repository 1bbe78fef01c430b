use std::ops::Range;

use posthaste_imap::client::{Client, Config, Event};
use posthaste_imap::{Machine, Security, Step, Time};
use proptest::prelude::*;

use super::*;
use crate::held::Held;

/// All that is found, and after how many octets, given so many at a time.
fn found(octets: &[u8], at_once: usize) -> Vec<(usize, Found)> {
    let mut scan = ImapAnswer::default();
    let mut seen = 0;
    let mut all = Vec::new();
    for piece in octets.chunks(at_once) {
        seen += piece.len();
        match scan.look(piece) {
            Found::More => {}
            Found::Due => all.push((seen, Found::Due)),
            Found::End => {
                all.push((seen, Found::End));
                break;
            }
        }
    }
    all
}

#[track_caller]
fn assert_ends_only_with_all(answer: &str) {
    for at_once in [1, 2, 3, 7, answer.len()] {
        assert_eq!(
            found(answer.as_bytes(), at_once),
            [(answer.len(), Found::End)],
            "{answer:?} by {at_once}"
        );
    }
}

#[test]
fn the_end_is_the_tagged_response_and_nothing_in_front_of_it() {
    for answer in [
        "A2 OK done\r\n",
        "A2 NO [ALERT] see {5}\r\n",
        "* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS ())\r\n* 3 EXISTS\r\nA2 OK done\r\n",
        // What looks like the end, in a literal, in the text behind one, and behind a bare line feed.
        "* 1 FETCH (BODY[] {14}\r\nA2 OK done\r\n\r\n UID 3)\r\nA2 OK done\r\n",
        "* 1 FETCH (BODY[1] {3}\r\nabc BODY[2] ~{4}\r\nA2 \r\n)\r\nA2 OK done\r\n",
        "* LIST () \"/\" {12}\r\nA2 OK done\r\n\r\nA2 OK done\r\n",
        "* 1 FETCH (FLAGS ())\nA2 OK done\r\nA2 OK done\r\n",
        // Empty literals, at the end of a line and of a response.
        "* LIST () \"/\" {0}\r\n\r\nA2 OK done\r\n",
        "* 1 FETCH (BODY[] {0+}\r\n)\r\nA2 OK done\r\n",
        // Free text announces nothing.
        "* OK [X] see {400}\r\n* no {3}\r\n* BAD {3}\r\n* PREAUTH {2}\r\n* [x] {9}\r\nA2 OK done\r\n",
        "* SEARCH 1 2 3\r\n* LIST () \"/\" \"{ 3}\"\r\nA2 OK done\r\n",
    ] {
        assert_ends_only_with_all(answer);
    }
}

#[test]
fn what_waits_for_us_or_is_a_farewell_is_shown_at_once() {
    let answer = b"* 1 EXISTS\r\n+ go on\r\n* BYE shutting down {3}\r\n* x {1x}\r\nA2 OK done\r\n";
    let due: Vec<_> = found(answer, 1).into_iter().map(|(_, found)| found).collect();
    assert_eq!(due, [Found::Due, Found::Due, Found::Due, Found::End]);
}

/// A machine that has logged in and selected, and waits for the answer to a FETCH.
fn waiting() -> Held<Client, ImapAnswer> {
    let mut held = Held::new(Client::new(Config::default(), Security::Tls, Time::ZERO));
    held.handle_input(Time::ZERO, b"* OK [CAPABILITY IMAP4rev1] hello\r\n");
    drop(events(&mut held));
    held.machine().login("joe", "secret".into()).unwrap();
    held.handle_input(Time::ZERO, b"A1 OK [CAPABILITY IMAP4rev1] welcome\r\n");
    drop(events(&mut held));
    held.machine().command(command("SELECT INBOX")).unwrap();
    held.handle_input(Time::ZERO, b"* 9 EXISTS\r\n* FLAGS ()\r\nA2 OK [READ-WRITE] done\r\n");
    drop(events(&mut held));
    held.machine().command(command("FETCH 1:* (FLAGS BODY.PEEK[])")).unwrap();
    drop(events(&mut held));
    while held.poll_transmit().is_some() {}
    held
}

fn command(text: &str) -> posthaste_imap::types::Command {
    let context = posthaste_imap::types::ParseContext::server();
    posthaste_imap::parse::command(&format!("tag {text}").into(), &context).unwrap().command
}

/// What is told until something is needed, as it is shown, and that.
fn events(held: &mut Held<Client, ImapAnswer>) -> (String, String) {
    let mut told = String::new();
    loop {
        match held.poll_event() {
            // Where a payload is cut is nobody's business.
            Ok(Step::Event(Event::Body(octets))) => told.push_str(&String::from_utf8_lossy(&octets)),
            Ok(Step::Event(event)) => told.push_str(&format!("\n{event:?}\n")),
            other => return (told, format!("{other:?}")),
        }
    }
}

/// That nothing is told.
#[track_caller]
fn assert_silent(held: &mut Held<Client, ImapAnswer>) {
    assert_eq!(events(held), (String::new(), "Ok(NeedInput)".to_owned()));
}

fn responses() -> impl Strategy<Value = String> {
    let row = "[a-z{}0-9 \r\n]{0,30}"
        .prop_map(|text| format!("* 3 FETCH (BODY[] {{{}}}\r\n{text} FLAGS (\\Seen))\r\n", text.len()));
    let other = prop::sample::select(vec![
        "* 4 FETCH (FLAGS (\\Answered))\r\n",
        "* 10 EXISTS\r\n",
        "* OK see {7}\r\n",
        "* LIST () \"/\" {8}\r\nA3 OK \r\n\r\n",
        "* BYE soon {2}\r\n",
        "* 1 FETCH (FLAGS ()\r\n",
        "A9 OK of nothing\r\n",
        "\r\n",
    ]);
    prop::collection::vec(prop_oneof![row, other.prop_map(str::to_owned)], 0..8).prop_map(|all| all.concat())
}

fn halves(octets: &[u8], cut: usize) -> [Range<usize>; 2] {
    let cut = cut.min(octets.len());
    [0..cut, cut..octets.len()]
}

proptest! {
    #[test]
    fn any_split_ends_with_the_same_piece(
        octets in prop::collection::vec(prop::sample::select(&b"\r\n\r\n{1}{2+}* A+OKBYE1 "[..]), 0..80),
        size in 1_usize..9,
    ) {
        let end = |at_once: usize| {
            let found = found(&octets, at_once).into_iter();
            found.filter(|(_, found)| *found == Found::End).map(|(end, _)| end).next()
        };
        let piece = end(1).map(|end| end.div_ceil(size).saturating_mul(size).min(octets.len()));
        prop_assert_eq!(end(size), piece);
    }

    /// The machine tells the same, whether it was told at once or late; and late, it has told nothing before the end.
    #[test]
    fn a_machine_that_is_told_late_tells_the_same(answer in responses(), cut in 0_usize..200) {
        let answer = answer + "A3 OK done\r\n";
        let mut at_once = waiting();
        at_once.handle_input(Time::ZERO, answer.as_bytes());
        let wanted = events(&mut at_once);
        let mut late = waiting();
        late.hold(ImapAnswer::default());
        let (mut told, mut last) = (String::new(), String::new());
        for half in halves(answer.as_bytes(), cut) {
            late.handle_input(Time::ZERO, &answer.as_bytes()[half]);
            let more = events(&mut late);
            told.push_str(&more.0);
            last = more.1;
        }
        prop_assert_eq!((told, last), wanted);
    }
}

#[test]
fn nothing_is_told_before_the_end_and_all_of_it_then() {
    let answer = b"* 1 FETCH (FLAGS () BODY[] {12}\r\nA3 OK done\r\n)\r\nA3 OK done\r\n";
    let mut held = waiting();
    held.hold(ImapAnswer::default());
    let (last, others) = answer.split_last().unwrap();
    for octet in others {
        held.handle_input(Time::ZERO, &[*octet]);
        assert_silent(&mut held);
        assert!(held.at_hand().is_none());
    }
    held.handle_input(Time::ZERO, &[*last]);
    let (told, _) = events(&mut held);
    assert!(told.contains("RowEnd") && told.contains("Done"), "{told}");
    // What comes unasked behind it is told as it comes.
    held.handle_input(Time::ZERO, b"* 11 EXISTS\r\n");
    assert!(events(&mut held).0.contains("Exists(11)"));
}

#[test]
fn a_server_that_closes_or_falls_silent_before_the_end_is_told_of_with_what_it_said() {
    let begin = |held: &mut Held<Client, ImapAnswer>| {
        held.hold(ImapAnswer::default());
        held.handle_input(Time::ZERO, b"* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (FL");
        assert_silent(held);
    };
    let mut closed = waiting();
    begin(&mut closed);
    closed.handle_eof(Time::ZERO);
    let (told, last) = events(&mut closed);
    assert!(told.contains("RowEnd") && last.contains("ConnectionLost"), "{told}{last}");

    let mut silent = waiting();
    begin(&mut silent);
    let deadline = silent.poll_timeout().unwrap();
    // It spoke a second before: its patience is not over yet.
    let second = std::time::Duration::from_secs(1);
    let spoke = Time::from_epoch(deadline.since_epoch().checked_sub(second).unwrap());
    silent.handle_input(spoke, b"AGS ())\r\n");
    silent.handle_timeout(deadline);
    let (told, last) = events(&mut silent);
    assert!(told.contains("RowEnd") && last == "Ok(NeedInput)", "{told}{last}");
    let later = silent.poll_timeout().unwrap();
    assert!(later > deadline);
    silent.handle_timeout(later);
    assert!(events(&mut silent).1.contains("TimedOut"));
}

#[test]
fn more_than_is_held_is_told_before_the_end() {
    let row = "* 1 FETCH (BODY[] {1000000}\r\n".to_owned() + &"x".repeat(1_000_000) + ")\r\n";
    let mut held = waiting();
    held.hold(ImapAnswer::default());
    let mut given = 0;
    loop {
        held.handle_input(Time::ZERO, row.as_bytes());
        given += row.len();
        if !events(&mut held).0.is_empty() {
            break;
        }
    }
    assert!((HELD_MAX..HELD_MAX + row.len()).contains(&given));
    held.handle_input(Time::ZERO, b"A3 OK done\r\n");
    assert!(events(&mut held).0.contains("Done"));
}
