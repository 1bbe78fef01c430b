//! The player against two machines of a few lines: what it lets pass, and that it fails where it must.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::borrow::Cow;

use posthaste_wire::{
    Bytes, Layer, Misuse, ReceiveBuffer, Security, SendQueue, Step, Time, Upgrade, delegate_machine,
};

use super::{Dialect, Side, Transcript};

/// A server that greets, repeats numbers, can do TLS and says goodbye; a client that asks for what it is told to.
struct Toy {
    receive: ReceiveBuffer,
    send: SendQueue,
    to_ask: Vec<&'static str>,
    is_server: bool,
    upgrade: bool,
    closed: bool,
}

impl Toy {
    fn server() -> Self {
        let mut toy = Self::client(&[]);
        toy.is_server = true;
        toy.send.put(b"1 hello\r\n");
        toy
    }

    fn client(to_ask: &[&'static str]) -> Self {
        Self {
            receive: ReceiveBuffer::new(),
            send: SendQueue::new(1000),
            to_ask: to_ask.to_vec(),
            is_server: false,
            upgrade: false,
            closed: false,
        }
    }

    fn handle_input(&mut self, _now: Time, input: &[u8]) {
        self.receive.push(input);
    }

    fn handle_eof(&mut self, _now: Time) {
        self.closed = true;
    }

    fn handle_timeout(&mut self, _now: Time) {}

    /// The event is the number of octets of a line that was read.
    fn poll_event(&mut self) -> Result<Step<usize>, Misuse> {
        if self.closed {
            return Ok(Step::Closed);
        }
        if std::mem::take(&mut self.upgrade) {
            return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, self.receive.drained().unwrap())));
        }
        let Ok(Some(line)) = self.receive.line(100) else { return Ok(Step::NeedInput) };
        if self.is_server {
            match &line[..] {
                b"LIST" => self.send.put(b"2-a\r\n2-b x\r\n2 c\r\n"),
                b"TLS" => self.send.put(b"3 go\r\n"),
                b"BYE" => self.send.put(b"4 bye\r\n"),
                _ => self.send.put(b"5 what\r\n"),
            }
            self.upgrade = &line[..] == b"TLS";
            self.closed = &line[..] == b"BYE";
        } else {
            self.upgrade = line.starts_with(b"3");
            self.closed = line.starts_with(b"4");
            if !self.upgrade && !self.closed && line.get(1) == Some(&b' ') {
                self.ask();
            }
        }
        Ok(Step::Event(line.len()))
    }

    fn ask(&mut self) {
        if !self.to_ask.is_empty() {
            self.send.put(self.to_ask.remove(0).as_bytes());
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.send.pop()
    }

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn upgraded(&mut self, _now: Time, _upgrade: Upgrade, _security: Security) -> Result<(), Misuse> {
        if !self.is_server {
            self.ask();
        }
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

delegate_machine!(Toy, usize, Misuse);

/// The digit and the mark count.
struct Digits;

impl Dialect for Digits {
    fn significant<'a>(&self, _by: Side, line: &'a str) -> Cow<'a, str> {
        line.get(..2).unwrap_or(line).into()
    }

    fn continues(&self, _by: Side, line: &str) -> bool {
        line.get(1..2) == Some("-")
    }

    fn member<'a>(&self, _by: Side, line: &'a str) -> Cow<'a, str> {
        line.get(2..).unwrap_or_default().into()
    }
}

const SCRIPT: &str = r"
    # Everything once.
    S: 1 anything
    C: LIST
    S: 2-a
    S& 2-c
    S& 2 b x
    C: TLS
    S! 3 go
    -- tls
    C: BYE
    S: 4 farewell
    -- closed
";

fn server(script: &str) -> Result<(), super::Failure> {
    Transcript::parse(script)?.play_server(&Digits, &mut Toy::server(), |_, _| {})
}

fn client(script: &str) -> Result<(), super::Failure> {
    let mut client = Toy::client(&["LIST\r\n", "TLS\r\n", "BYE\r\n"]);
    Transcript::parse(script)?.play_client(&Digits, &mut client, |_, _| {})
}

fn both(script: &str) -> Result<(), super::Failure> {
    let mut client = Toy::client(&["LIST\r\n", "TLS\r\n", "BYE\r\n"]);
    Transcript::parse(script)?.play_both(&Digits, &mut client, &mut Toy::server(), |_, _| {}, |_, _| {})
}

#[test]
fn each_end_and_both_keep_to_the_script_in_any_segments() {
    for segment in [1, 2, usize::MAX] {
        let script = Transcript::parse(SCRIPT).unwrap().in_segments_of(segment);
        let mut events = 0;
        script.play_server(&Digits, &mut Toy::server(), |_, _| events += 1).unwrap();
        assert_eq!(events, 3);
        let mut client = Toy::client(&["LIST\r\n", "TLS\r\n", "BYE\r\n"]);
        script.play_client(&Digits, &mut client, |_, _| {}).unwrap();
        let mut client = Toy::client(&["LIST\r\n", "TLS\r\n", "BYE\r\n"]);
        script.play_both(&Digits, &mut client, &mut Toy::server(), |_, _| {}, |_, _| {}).unwrap();
    }
}

/// Changes one line of the script; says at which line the play fails and what came.
fn changed(play: fn(&str) -> Result<(), super::Failure>, from: &str, to: &str) -> (usize, String) {
    let script = SCRIPT.replacen(from, to, 1);
    assert_ne!(script, SCRIPT, "{from} is not in the script");
    let failure = play(&script).unwrap_err();
    (failure.line, failure.got)
}

#[test]
fn a_line_that_differs_fails_the_play() {
    for play in [server, both] {
        assert_eq!(changed(play, "1 anything", "2 anything"), (3, "1 hello".into()));
        assert_eq!(changed(play, "1 anything", "1-anything"), (3, "1 hello".into()));
        assert_eq!(changed(play, "! 3 go", "! 3 Go"), (9, "3 go".into()));
        assert_eq!(changed(play, "2-a\n", "3-a\n").0, 5);
    }
    for play in [client, both] {
        assert_eq!(changed(play, "C: LIST", "C: list"), (4, "LIST".into()));
        assert_eq!(changed(play, "C: BYE", "C: BYE "), (11, "BYE".into()));
    }
}

#[test]
fn a_line_that_is_missing_or_too_much_fails_the_play() {
    assert_eq!(
        changed(server, "S: 4 farewell", "S: 4 farewell\n S: 4 x"),
        (13, "nothing; the Server has closed the connection".into())
    );
    assert_eq!(changed(server, "C: BYE", "C: BYE\n S: 5 x").0, 12);
    assert_eq!(changed(server, "    S: 4 farewell\n", ""), (12, "Server says: 4 bye".into()));
    assert_eq!(changed(server, "    S: 4 farewell\n    -- closed\n", "").0, 12);
    assert_eq!(changed(client, "    C: LIST\n", ""), (7, "LIST".into()));
    assert_eq!(changed(client, "C: BYE", "C: BYE\n C: BYE").1, "nothing; the Client waits for input");
    // What the script leaves out at its end was said all the same.
    assert_eq!(server("C: BYE").unwrap_err().got, "Server says: 1 hello");
    assert_eq!(server("").unwrap_err().line, 1);
}

#[test]
fn a_set_is_compared_whole_unless_it_says_otherwise() {
    assert!(changed(server, "S& 2-c", "S& 2-d").1.starts_with("without it"));
    assert!(changed(server, "    S& 2-c\n", "").1.starts_with("more of the set"));
    assert!(server(&SCRIPT.replace("S& 2-c", "S& ...")).is_ok());
    assert!(server(&SCRIPT.replace("S& 2 b x", "S& 2 b")).is_err());
}

#[test]
fn a_change_of_layer_and_an_end_have_to_happen() {
    assert_eq!(changed(server, "    -- tls\n", ""), (11, "nothing; the Server waits for TLS".into()));
    assert_eq!(changed(server, "C: LIST", "-- tls\n    C: LIST"), (4, "waits for input".into()));
    assert_eq!(changed(server, "C: LIST", "-- closed\n    C: LIST"), (4, "waits for input".into()));
    assert_eq!(changed(client, "C: LIST", "C: LIST\n -- closed"), (5, "waits for input".into()));
    assert!(server("S: 1 x\n -- cut\n -- closed").is_ok());
}

#[test]
fn octets_without_a_line_end_are_octets() {
    assert!(server(r"S| 1 hello\x0D\r\n").is_err());
    assert!(server("S| 1 hel\nS| lo\\x0d\\n\nC| BY\nC: E\nS: 4 x").is_ok());
    let mut client = Toy::client(&["a\0\\"]);
    let script = Transcript::parse("S: 1 x\nC| a\\x00\\\\").unwrap();
    script.play_client(&Digits, &mut client, |_, _| {}).unwrap();
}

#[test]
fn what_is_no_notation_is_refused() {
    for script in ["X: a", "S:a", "S", "SS: a", "C| \\q", "C| \\x0", "-- tlsx", "C; a"] {
        assert_eq!(Transcript::parse(script).unwrap_err().line, 1, "{script}");
    }
}

#[test]
fn a_failure_says_where_and_what() {
    let text = format!("{}", server("S: 1 x\nC: BYE\nS: 5 what").unwrap_err());
    let expected = "the conversation leaves the script at line 3\n         |    1 S: 1 x\n         |    2 C: BYE\n\
                    expected | S: 5 what\ngot      | 4 bye";
    assert_eq!(text, expected);
}
