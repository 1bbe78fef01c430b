//! Random lists of commands against a small model of a session, which predicts every reply code and every event; and the
//! same lists in other cuts and with answers that come late, which must change nothing.

use std::cell::RefCell;
use std::collections::VecDeque;

use posthaste_smtp::Limits;
use posthaste_smtp::server::{Config, Event, Extensions, Mode, Server};
use posthaste_testkit::{Note, Outcome, run};
use proptest::prelude::*;

use crate::common::*;

const MESSAGE_MAX: u64 = 8;
const RECIPIENTS_MAX: usize = 3;
const VIOLATIONS_MAX: u32 = 6;
const JUNK_MAX: u32 = 8;

#[derive(Clone, Debug)]
enum Op {
    Hello,
    Mail { binary: bool },
    MailBroken,
    Rcpt { welcome: bool },
    Data { octets: u64 },
    Bdat { octets: u64, last: bool },
    BdatBroken,
    Rset,
    Noop,
    Vrfy,
    Bogus,
    Quit,
}

impl Op {
    fn line(&self) -> String {
        match self {
            Self::Hello => "EHLO c.test\r\n".into(),
            Self::Mail { binary: false } => "MAIL FROM:<a@c.test>\r\n".into(),
            Self::Mail { binary: true } => "MAIL FROM:<a@c.test> BODY=BINARYMIME\r\n".into(),
            Self::MailBroken => "MAIL FROM:<a\r\n".into(),
            Self::Rcpt { welcome: true } => "RCPT TO:<u@local.test>\r\n".into(),
            Self::Rcpt { welcome: false } => "RCPT TO:<no@local.test>\r\n".into(),
            Self::Data { .. } => "DATA\r\n".into(),
            Self::Bdat { octets, last } => {
                let content = "x".repeat(usize::try_from(*octets).unwrap());
                format!("BDAT {octets}{}\r\n{content}", if *last { " LAST" } else { "" })
            }
            Self::BdatBroken => "BDAT many\r\n".into(),
            Self::Rset => "RSET\r\n".into(),
            Self::Noop => "NOOP\r\n".into(),
            Self::Vrfy => "VRFY u\r\n".into(),
            Self::Bogus => "FROB\r\n".into(),
            Self::Quit => "QUIT\r\n".into(),
        }
    }
}

/// What the session is expected to have done so far.
#[derive(Debug, Default)]
struct Model {
    named: bool,
    stage: Stage,
    excuses: usize,
    violations: u32,
    junk: u32,
    beyond: usize,
    closed: bool,
    codes: Vec<u16>,
    events: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Idle,
    Open {
        recipients: usize,
        binary: bool,
    },
    Chunks {
        size: u64,
    },
}

impl Model {
    /// Whether a text is to follow.
    fn apply(&mut self, op: &Op) -> bool {
        if self.closed {
            return false;
        }
        match *op {
            Op::Hello => {
                if !self.named || self.junk() {
                    self.drop_transaction();
                    self.named = true;
                    self.say(250, "hello");
                }
            }
            Op::Rset => {
                if self.junk() {
                    self.drop_transaction();
                    self.codes.push(250);
                }
            }
            Op::Noop | Op::Vrfy => {
                if self.junk() {
                    self.codes.push(if matches!(op, Op::Noop) { 250 } else { 252 });
                }
            }
            Op::Bogus => self.violation(500),
            Op::Quit => {
                self.codes.push(221);
                self.close();
            }
            Op::Mail { binary } if self.named && self.stage == Stage::Idle => {
                self.say(250, "mail");
                self.excuses = 0;
                self.beyond = 0;
                self.stage = Stage::Open { recipients: 0, binary };
            }
            Op::Mail { .. } => self.violation(503),
            Op::MailBroken => {
                if self.stage == Stage::Idle {
                    self.excuses = 2 * RECIPIENTS_MAX;
                }
                self.violation(501);
            }
            Op::BdatBroken => {
                self.drop_transaction();
                self.violation(501);
            }
            Op::Rcpt { welcome } => self.rcpt(welcome),
            Op::Data { octets } => return self.data(octets),
            Op::Bdat { octets, last } => self.bdat(octets, last),
        }
        false
    }

    fn rcpt(&mut self, welcome: bool) {
        match &mut self.stage {
            Stage::Open { recipients, .. } if *recipients < RECIPIENTS_MAX => {
                *recipients += usize::from(welcome);
                self.say(if welcome { 250 } else { 550 }, "rcpt");
            }
            Stage::Open { .. } if self.beyond < RECIPIENTS_MAX => {
                self.beyond += 1;
                self.codes.push(452);
            }
            Stage::Open { .. } => {
                self.codes.push(421);
                self.close();
            }
            _ => self.out_of_sequence(),
        }
    }

    fn data(&mut self, octets: u64) -> bool {
        match self.stage {
            Stage::Open { recipients: 0, .. } => self.codes.push(554),
            Stage::Open { binary: false, .. } => {
                self.say(354, "data");
                self.stage = Stage::Idle;
                self.end(octets + 2);
                return true;
            }
            Stage::Open { .. } => self.violation(503),
            _ => self.out_of_sequence(),
        }
        false
    }

    fn bdat(&mut self, octets: u64, last: bool) {
        let size = match self.stage {
            Stage::Idle => return self.out_of_sequence(),
            Stage::Open { recipients: 0, .. } => return self.codes.push(554),
            Stage::Open { .. } => 0,
            Stage::Chunks { size } => size,
        };
        if octets == 0 && !last && !self.junk() {
            return;
        }
        if size + octets > MESSAGE_MAX {
            self.drop_transaction();
            self.excuses = 2 * RECIPIENTS_MAX;
            return self.codes.push(552);
        }
        if matches!(self.stage, Stage::Open { .. }) {
            self.events.push("data");
        }
        if last {
            self.stage = Stage::Idle;
            self.end(size + octets);
        } else {
            self.stage = Stage::Chunks { size: size + octets };
            self.codes.push(250);
        }
    }

    fn end(&mut self, size: u64) {
        if size > MESSAGE_MAX {
            self.say(552, "aborted");
        } else {
            self.say(250, "end");
            self.junk = 0;
        }
    }

    fn out_of_sequence(&mut self) {
        if self.excuses > 0 {
            self.excuses -= 1;
            self.codes.push(503);
        } else {
            self.violation(503);
        }
    }

    fn violation(&mut self, code: u16) {
        self.codes.push(code);
        self.violations += 1;
        if self.violations >= VIOLATIONS_MAX {
            self.codes.push(421);
            self.close();
        }
    }

    /// Whether the command is still answered.
    fn junk(&mut self) -> bool {
        if self.junk >= JUNK_MAX {
            self.codes.push(421);
            self.close();
            return false;
        }
        self.junk += 1;
        true
    }

    fn drop_transaction(&mut self) {
        self.excuses = 0;
        match std::mem::take(&mut self.stage) {
            Stage::Idle => {}
            Stage::Open { .. } => self.events.push("reset"),
            Stage::Chunks { .. } => self.events.push("aborted"),
        }
    }

    fn close(&mut self) {
        self.drop_transaction();
        self.closed = true;
    }

    fn say(&mut self, code: u16, event: &'static str) {
        self.codes.push(code);
        self.events.push(event);
    }
}

fn config() -> Config {
    let mut limits = Limits::default();
    limits.message_max = MESSAGE_MAX;
    limits.recipients_max = RECIPIENTS_MAX;
    limits.violations_max = VIOLATIONS_MAX;
    limits.junk_commands_max = JUNK_MAX;
    Config::new(Mode::Mta, "mx.test".parse().unwrap())
        .with_limits(limits)
        .with_extensions(Extensions::new().with_binary_mime())
}

/// The codes of the replies behind the greeting, each once.
fn codes(outcome: &Outcome) -> Vec<u16> {
    let text = outcome.text();
    let last = text.lines().filter(|line| line.as_bytes()[3] == b' ');
    last.skip(1).map(|line| line[..3].parse().unwrap()).collect()
}

fn events(outcome: &Outcome) -> Vec<&'static str> {
    let name = |note: &Note| match note {
        Note::Body(_) => None,
        Note::Event(words) => [
            ("hello ", "hello"),
            ("mail ", "mail"),
            ("rcpt ", "rcpt"),
            ("data ", "data"),
            ("end ", "end"),
            ("Reset", "reset"),
            ("BodyAborted", "aborted"),
        ]
        .iter()
        .find_map(|(start, name)| words.starts_with(start).then_some(*name)),
    };
    outcome.notes.iter().filter_map(name).collect()
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => Just(Op::Hello),
        6 => prop::bool::weighted(0.1).prop_map(|binary| Op::Mail { binary }),
        1 => Just(Op::MailBroken),
        8 => prop::bool::weighted(0.8).prop_map(|welcome| Op::Rcpt { welcome }),
        3 => (0..9_u64).prop_map(|octets| Op::Data { octets }),
        8 => (0..6_u64, any::<bool>()).prop_map(|(octets, last)| Op::Bdat { octets, last }),
        1 => Just(Op::BdatBroken),
        1 => Just(Op::Rset),
        1 => Just(Op::Noop),
        1 => Just(Op::Vrfy),
        1 => Just(Op::Bogus),
        1 => prop::bool::weighted(0.2).prop_map(|quit| if quit { Op::Quit } else { Op::Noop }),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let named = prop::bool::weighted(0.95);
    (named, prop::collection::vec(op(), 0..40)).prop_map(|(named, mut ops)| {
        if named {
            ops.insert(0, Op::Hello);
        }
        ops
    })
}

/// Hands each piece in when it is needed, or, with `eager`, the next before each answer.
fn drive(pieces: Vec<String>, eager: bool) -> Outcome {
    let mut server = server(&config());
    let queue = RefCell::new(VecDeque::from(pieces.into_iter().map(String::into_bytes).collect::<Vec<_>>()));
    let mut outcome = Outcome::default();
    // The greeting leaves first.
    outcome.output.extend(std::iter::from_fn(|| server.poll_transmit()).flatten());
    let mut more = true;
    while more {
        let piece = queue.borrow_mut().pop_front();
        more = piece.is_some();
        let piece = piece.unwrap_or_default();
        let part = run(&mut server, [&piece[..]], false, |server: &mut Server, event: Event| {
            if eager {
                if let Some(next) = queue.borrow_mut().pop_front() {
                    server.handle_input(posthaste_smtp::Time::ZERO, &next);
                }
            }
            answer(server, event)
        });
        outcome.notes.extend(part.notes);
        outcome.output.extend(part.output);
        outcome.closed |= part.closed;
        outcome.error = outcome.error.or(part.error);
        more &= !outcome.closed && outcome.error.is_none();
    }
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_session_does_what_the_model_says(ops in ops()) {
        let mut model = Model::default();
        let mut pieces = Vec::new();
        for op in &ops {
            pieces.push(op.line());
            if model.apply(op) {
                let Op::Data { octets } = op else { panic!("{op:?}") };
                pieces.push(format!("{}\r\n.\r\n", "y".repeat(usize::try_from(*octets).unwrap())));
            }
        }
        let outcome = drive(pieces, false);
        prop_assert_eq!(codes(&outcome), model.codes);
        prop_assert_eq!(events(&outcome), model.events);
        prop_assert_eq!(outcome.closed || outcome.error.is_some(), model.closed);
    }

    #[test]
    fn when_an_answer_comes_does_not_change_what_is_said(ops in ops()) {
        // Nothing may stand behind DATA, so there is none.
        let lines: Vec<_> = ops.iter().filter(|op| !matches!(op, Op::Data { .. })).map(Op::line).collect();
        let patient = drive(lines.clone(), false);
        let eager = drive(lines.clone(), true);
        let at_once = drive(vec![lines.concat()], false);
        for other in [&eager, &at_once] {
            prop_assert_eq!(other.text(), patient.text());
            prop_assert_eq!(events(other), events(&patient));
            prop_assert_eq!(other.bodies(), patient.bodies());
        }
    }
}
