//! Sessions of IMAP: a machine that hears any octets in any split, under any behaviour of its application, keeps the
//! contract of all machines.
//!
//! An input is a plan and what the peer sends: a number that chooses the settings, cuts, choices, octets. At a cut
//! something happens that no peer causes (time passes, an update comes, a command is queued); the choices say what,
//! and how the application answers: at once, late, never, or somewhere else. `drive` plays a plan, `server` and
//! `client` are the applications.

mod client;
mod drive;
mod server;

use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::{Capability, ParseContext, Response};
use posthaste_imap::{Bytes, Machine, ProtocolError, Step, Time};
use posthaste_testkit::{Note, Outcome, measure};

use crate::plan::Plan;
use drive::Pace;

/// A server: any split gives the same events and responses; every response is one that our client's parser reads;
/// message numbers never pass what the client was told of; what a session takes from the heap is bounded; an end is
/// an end.
pub fn imap_server(input: &[u8]) {
    let Some((plan, choices)) = read(input) else { return };
    let whole = server::serve(&plan, choices, Pace::Stretches);
    // What is sent ahead of the answer to a change of layer is a matter of when it came.
    if !is_hurried(&whole.0) {
        assert_same(&server::serve(&plan, choices, Pace::Octets).0, &whole.0);
    }
    let (outcome, ending) = whole;
    check_responses(&outcome.output, ending == server::Ending::Whole);
    let measured = measure(|| drop(server::serve(&plan, choices, Pace::Stretches)));
    check_memory(measured.peak, input.len(), outcome.output.len());
}

/// A client: any split gives the same events and commands; each command is done, given back or in doubt, and only one
/// of these; rows and literals come complete or are said to be cut; what is sent, our server's parser reads.
pub fn imap_client(input: &[u8]) {
    let Some((plan, choices)) = read(input) else { return };
    let whole = client::talk(&plan, choices, Pace::Stretches);
    if !is_hurried(&whole.0) {
        assert_same(&client::talk(&plan, choices, Pace::Octets).0, &whole.0);
    }
    let (outcome, ending) = whole;
    // A server that ends the conversation ends it where it likes.
    let said_bye = outcome.text().is_empty() || outcome.notes.iter().any(is_bye);
    let complete = ending == client::Ending::Whole && outcome.error.is_none() && !said_bye;
    client::check_commands(&outcome.output, complete);
    let measured = measure(|| drop(client::talk(&plan, choices, Pace::Stretches)));
    check_memory(measured.peak, input.len(), outcome.output.len());
}

/// The plan, with the choices taken from the front of its octets.
fn read(input: &[u8]) -> Option<(Plan<'_>, &[u8])> {
    let mut plan = Plan::read(input)?;
    let (&count, rest) = plan.octets.split_first()?;
    let (choices, octets) = rest.split_at_checked(usize::from(count % 64))?;
    plan.octets = octets;
    Some((plan, choices))
}

fn is_hurried(outcome: &Outcome) -> bool {
    let hurried = [ProtocolError::Residue.to_string(), "before TLS was up".to_owned()];
    outcome.error.as_ref().is_some_and(|error| hurried.iter().any(|hurried| error.starts_with(hurried)))
}

fn assert_same(octets: &Outcome, whole: &Outcome) {
    assert_eq!(octets.notes, whole.notes, "the events depend on the split");
    assert_eq!(octets.text(), whole.text(), "what is said depends on the split");
    assert_eq!((octets.closed, &octets.error), (whole.closed, &whole.error), "the end depends on the split");
}

fn is_bye(note: &Note) -> bool {
    matches!(note, Note::Event(words) if words.starts_with("Bye"))
}

/// Bounded by the limits of the machines (a few kilobytes here) and by what was said.
fn check_memory(peak: u64, input: usize, output: usize) {
    let said = u64::try_from(input * 64 + output * 8).unwrap();
    assert!(peak <= 256 * 1024 + said, "{peak} octets at once for {input} in and {output} out");
}

/// Whether all that a server said is well formed, and the numbers of messages make sense to who hears them.
fn check_responses(output: &[u8], complete: bool) {
    let mut context = ParseContext::client();
    let (mut rest, mut exists) = (output, 0_u64);
    while !rest.is_empty() {
        let Some(length) = response_length(rest) else {
            assert!(!complete, "the last response is cut: {}", rest.escape_ascii());
            return;
        };
        let (line, behind) = rest.split_at(length);
        rest = behind;
        let line = Bytes::copy_from_slice(line.strip_suffix(b"\r\n").unwrap());
        let parsed = parse::response(&line, &context);
        let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
        match parsed.response {
            Response::Other(_) => panic!("no response that is known: {}", line.escape_ascii()),
            Response::Enabled(enabled) => {
                let utf8 = [Capability::Utf8Accept, Capability::Imap4Rev2];
                context.utf8 |= utf8.iter().any(|capability| enabled.contains(capability));
            }
            Response::Exists(now) => exists = now.into(),
            Response::Expunge(number) => {
                assert!(u64::from(number.get()) <= exists, "{number} EXPUNGE of {exists}");
                exists -= 1;
            }
            Response::Vanished { earlier: false, uids } => {
                assert!(uids.len() <= exists, "VANISHED {} of {exists}", uids.len());
                exists -= uids.len();
            }
            Response::Fetch(number, _) => {
                assert!(u64::from(number.get()) <= exists, "{number} FETCH of {exists}");
            }
            _ => {}
        }
    }
}

/// Up to the line end that no literal follows; `None` when it has not come.
fn response_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let end = at + octets[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let line = &octets[at..end];
        let is_text = at == 0 && !is_data(line);
        at = end + 2;
        match literal_marker(line) {
            LiteralMarker::Literal(header) if !is_text => {
                at += usize::try_from(header.len).unwrap();
                octets.get(at..)?;
            }
            _ => return Some(at),
        }
    }
}

/// Whether a line is one whose end can announce a literal.
fn is_data(line: &[u8]) -> bool {
    let conditions = [&b"* OK "[..], b"* NO ", b"* BAD ", b"* BYE ", b"* PREAUTH "];
    line.starts_with(b"* ") && !conditions.iter().any(|condition| line.starts_with(condition))
}

/// A machine whose peer has gone ends, and stays what it is, whatever is called.
fn over<M: Machine>(machine: &mut M) -> bool {
    let mut last = None;
    for _ in 0..4 {
        machine.handle_eof(Time::MAX);
        machine.handle_timeout(Time::MAX);
        machine.handle_input(Time::MAX, b"* BYE x\r\nA1 NOOP\r\nA1 OK x\r\n");
        while machine.poll_transmit().is_some() {}
        let end = loop {
            match machine.poll_event() {
                Ok(Step::Event(_)) => {}
                Ok(Step::Closed) => break "closed".to_owned(),
                Err(error) => break error.to_string(),
                Ok(_) => panic!("the peer has gone, and the machine waits"),
            }
        };
        assert!(last.is_none_or(|last| last == end), "an end that changes");
        assert_eq!(machine.poll_timeout(), None, "a timer runs behind the end");
        last = Some(end);
    }
    last.is_some_and(|last| last == "closed")
}
