//! Sequences of commands against a model of RFC 1939 that is too small to be wrong: what is answered, what the application
//! is asked, and what is removed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_pop3::server::{Config, Event, Listed, LoginRefusal, Maildrop};
use posthaste_pop3::{Bytes, Security, Server, Time, Uidl};
use posthaste_testkit::{Note, run};
use proptest::prelude::*;

const SIZES: [u64; 3] = [10, 20, 30];

#[derive(Clone, Debug)]
enum Op {
    User,
    Pass { right: bool },
    Stat,
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top(u32),
    Dele(u32),
    Noop,
    Rset,
    Capa,
    Quit,
    Nonsense,
}

impl Op {
    fn line(&self) -> String {
        match self {
            Self::User => "USER u".into(),
            Self::Pass { right: true } => "PASS right".into(),
            Self::Pass { right: false } => "PASS wrong".into(),
            Self::Stat => "STAT".into(),
            Self::List(None) => "LIST".into(),
            Self::List(Some(number)) => format!("LIST {number}"),
            Self::Uidl(None) => "UIDL".into(),
            Self::Uidl(Some(number)) => format!("UIDL {number}"),
            Self::Retr(number) => format!("RETR {number}"),
            Self::Top(number) => format!("TOP {number} 0"),
            Self::Dele(number) => format!("DELE {number}"),
            Self::Noop => "NOOP".into(),
            Self::Rset => "RSET".into(),
            Self::Capa => "CAPA".into(),
            Self::Quit => "QUIT".into(),
            Self::Nonsense => "XYZZY".into(),
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    // Message 4 does not exist.
    let number = || 1..=4_u32;
    prop_oneof![
        2 => Just(Op::User),
        2 => prop::bool::weighted(0.8).prop_map(|right| Op::Pass { right }),
        1 => Just(Op::Stat),
        1 => prop::option::of(number()).prop_map(Op::List),
        1 => prop::option::of(number()).prop_map(Op::Uidl),
        2 => number().prop_map(Op::Retr),
        1 => number().prop_map(Op::Top),
        3 => number().prop_map(Op::Dele),
        1 => Just(Op::Noop),
        1 => Just(Op::Rset),
        1 => Just(Op::Capa),
        1 => Just(Op::Quit),
        1 => Just(Op::Nonsense),
    ]
}

/// The state of a session, and all that has come of it.
#[derive(Debug, Default)]
struct Model {
    user: bool,
    logged_in: bool,
    deleted: [bool; 3],
    closed: bool,
    refused: u32,
    /// The first words of each answer, and rows but those of CAPA.
    said: Vec<String>,
    /// What the application was asked.
    asked: Vec<String>,
    removed: Option<Vec<usize>>,
}

impl Model {
    fn step(&mut self, op: &Op) {
        if self.closed {
            return;
        }
        let user = std::mem::take(&mut self.user);
        match (self.logged_in, op) {
            (_, Op::Capa) => self.ok(""),
            (false, Op::User) => {
                self.user = true;
                self.ok("");
            }
            (false, Op::Pass { right }) if user => {
                self.asked.push("login".into());
                self.logged_in = *right;
                if *right {
                    return self.ok("3");
                }
                self.err();
                self.refused += 1;
                self.closed = self.refused == 3;
            }
            (false, Op::Quit) => {
                self.ok("");
                self.closed = true;
            }
            (true, Op::Quit) => {
                self.removed = Some((0..3).filter(|&index| self.deleted[index]).collect());
                self.asked.push("quit".into());
                self.ok("");
                self.closed = true;
            }
            (true, Op::Stat) => {
                let octets: u64 = self.kept().map(|index| SIZES[index]).sum();
                self.ok(&format!("{} {octets}", self.kept().count()));
            }
            (true, Op::List(None)) => self.rows(|index| SIZES[index].to_string()),
            (true, Op::Uidl(None)) => self.rows(|index| format!("id{index}")),
            (true, Op::List(Some(number))) => self.row(*number, |index| SIZES[index].to_string()),
            (true, Op::Uidl(Some(number))) => self.row(*number, |index| format!("id{index}")),
            (true, Op::Retr(number)) => self.message(*number, "retr", &number_size(*number)),
            (true, Op::Top(number)) => self.message(*number, "top", ""),
            (true, Op::Dele(number)) => match self.index(*number) {
                Some(index) => {
                    self.deleted[index] = true;
                    self.ok("");
                }
                None => self.err(),
            },
            (true, Op::Noop) => self.ok(""),
            (true, Op::Rset) => {
                self.deleted = [false; 3];
                self.ok("3");
            }
            _ => self.err(),
        }
    }

    fn ok(&mut self, words: &str) {
        self.said.push(format!("+OK {words}").trim_end().into());
    }

    fn err(&mut self) {
        self.said.push("-ERR".into());
    }

    fn kept(&self) -> impl Iterator<Item = usize> + use<'_> {
        (0..3).filter(|&index| !self.deleted[index])
    }

    fn index(&self, number: u32) -> Option<usize> {
        self.kept().find(|index| *index + 1 == number as usize)
    }

    fn rows(&mut self, value: impl Fn(usize) -> String) {
        let rows: Vec<String> = self.kept().map(|index| format!("{} {}", index + 1, value(index))).collect();
        self.ok(&rows.len().to_string());
        self.said.extend(rows);
        self.said.push(".".into());
    }

    fn row(&mut self, number: u32, value: impl Fn(usize) -> String) {
        match self.index(number) {
            Some(index) => self.ok(&format!("{number} {}", value(index))),
            None => self.err(),
        }
    }

    fn message(&mut self, number: u32, what: &str, words: &str) {
        let Some(index) = self.index(number) else { return self.err() };
        self.asked.push(format!("{what} {index}"));
        self.ok(words);
        self.said.extend([format!("message {index}"), ".".into()]);
    }
}

fn number_size(number: u32) -> String {
    SIZES.get(number as usize - 1).map(u64::to_string).unwrap_or_default()
}

/// What the server does: said and asked as the model tells it.
fn play(input: &str, pieces: usize) -> (Vec<String>, Vec<String>, Option<Vec<usize>>) {
    let mut config = Config::default();
    config.limits.violations_max = u32::MAX;
    config.limits.violations_before_login_max = u32::MAX;
    let mut server = Server::new(config, Security::Tls, Time::ZERO);
    let (mut asked, mut removed) = (Vec::new(), None);
    let outcome = run(&mut server, input.as_bytes().chunks(pieces), true, |server, event| {
        match event {
            Event::Login(login) if login.password().expose() == b"right" => {
                asked.push("login".into());
                let listed = |index: usize| Listed {
                    size: SIZES[index],
                    uidl: Uidl::new(&format!("id{index}")).unwrap(),
                };
                login.accept(server, Maildrop::new((0..3).map(listed).collect()).unwrap()).unwrap();
            }
            Event::Login(login) => {
                asked.push("login".into());
                login.reject(server, LoginRefusal::Credentials).unwrap();
            }
            Event::Retr(retr) => {
                asked.push(format!("retr {}", retr.index()));
                let text = format!("message {}\r\n", retr.index());
                let mut writer = retr.open(server).unwrap();
                writer.write(server, Bytes::from(text)).unwrap();
                writer.finish(server).unwrap();
            }
            Event::Top(top) => {
                asked.push(format!("top {}", top.index()));
                let text = format!("message {}\r\n\r\nbody\r\n", top.index());
                let mut writer = top.open(server).unwrap();
                writer.write(server, Bytes::from(text)).unwrap();
                writer.finish(server).unwrap();
            }
            Event::Quit(quit) => {
                asked.push("quit".into());
                removed = Some(quit.deleted().to_vec());
                quit.done(server).unwrap();
            }
            Event::Violation(_) => {}
            event => panic!("{event:?}"),
        }
        Note::event("")
    });
    let text = outcome.text();
    let mut said: Vec<String> = Vec::new();
    let mut in_capa = false;
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        in_capa &= line != ".";
        if line == "." && said.last().is_some_and(|last| last == "+OK") {
            continue;
        }
        if line.starts_with("+OK capability") {
            in_capa = true;
            said.push("+OK".into());
        } else if !in_capa {
            said.push(significant(line));
        }
    }
    (said, asked, removed)
}

/// The status and what programs read behind it.
fn significant(line: &str) -> String {
    if line.starts_with("-ERR") {
        return "-ERR".into();
    }
    let Some(rest) = line.strip_prefix("+OK") else { return line.into() };
    let is_value =
        |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) || word.starts_with("id");
    let words: Vec<&str> = rest.split_whitespace().take_while(is_value).collect();
    format!("+OK {}", words.join(" ")).trim_end().into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_server_does_what_the_model_does(ops in prop::collection::vec(op(), 0..40), pieces in 1usize..60) {

        // Most sequences are to begin with a login.
        let ops = [vec![Op::User, Op::Pass { right: true }], ops].concat();
        for skipped in [0, 2] {
            let ops = &ops[skipped..];
            let input: String = ops.iter().map(|op| op.line() + "\r\n").collect();
            let mut model = Model::default();
            ops.iter().for_each(|op| model.step(op));
            let (said, asked, removed) = play(&input, pieces);
            prop_assert_eq!(&said, &model.said, "{}", input);
            prop_assert_eq!(&asked, &model.asked, "{}", input);
            prop_assert_eq!(&removed, &model.removed, "{}", input);
        }
    }
}
