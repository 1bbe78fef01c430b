//! Plays a script: each end is a machine or the script itself. What a machine says is compared and handed to the
//! other machine, if there is one; what the script says is handed over as it stands.

use std::collections::VecDeque;

use posthaste_wire::{Machine, Security, Step, Time, Upgrade};

use super::{Content, Dialect, Entry, Failure, Said, Side, Transcript, context};

impl Transcript {
    /// Plays the client's lines to `server` and compares what it answers. `answer` is given its events.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the conversation leaves the script.
    pub fn play_server<M: Machine>(
        &self,
        dialect: &impl Dialect,
        server: &mut M,
        answer: impl FnMut(&mut M, M::Event),
    ) -> Result<(), Failure> {
        let mut server = Driven::new(server, answer);
        self.play(dialect, None, Some(&mut server))
    }

    /// Plays the server's lines to `client` and compares what it says. `answer` is given its events.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the conversation leaves the script.
    pub fn play_client<M: Machine>(
        &self,
        dialect: &impl Dialect,
        client: &mut M,
        answer: impl FnMut(&mut M, M::Event),
    ) -> Result<(), Failure> {
        let mut client = Driven::new(client, answer);
        self.play(dialect, Some(&mut client), None)
    }

    /// Lets `client` and `server` talk to each other and compares what passes.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the conversation leaves the script.
    pub fn play_both<C: Machine, S: Machine>(
        &self,
        dialect: &impl Dialect,
        client: &mut C,
        server: &mut S,
        on_client: impl FnMut(&mut C, C::Event),
        on_server: impl FnMut(&mut S, S::Event),
    ) -> Result<(), Failure> {
        let mut client = Driven::new(client, on_client);
        let mut server = Driven::new(server, on_server);
        self.play(dialect, Some(&mut client), Some(&mut server))
    }

    fn play<'a>(
        &'a self,
        dialect: &'a dyn Dialect,
        client: Option<&'a mut dyn Actor>,
        server: Option<&'a mut dyn Actor>,
    ) -> Result<(), Failure> {
        Play { script: self, at: 0, dialect, client, server }.run()
    }
}

/// A play under way.
struct Play<'a> {
    script: &'a Transcript,
    /// The entry that is next.
    at: usize,
    dialect: &'a dyn Dialect,
    client: Option<&'a mut dyn Actor>,
    server: Option<&'a mut dyn Actor>,
}

impl<'a> Play<'a> {
    fn run(mut self) -> Result<(), Failure> {
        self.pump();
        while let Some(entry) = self.entry() {
            match &entry.content {
                Content::Said(side, _) => self.flight(*side)?,
                Content::Tls => self.tls()?,
                Content::Cut => {
                    self.silence()?;
                    self.each(|actor| actor.cut());
                    self.pass();
                }
                Content::Closed => {
                    self.silence()?;
                    self.ended()?;
                    self.pass();
                }
            }
            self.pump();
        }
        self.silence()
    }

    /// All that one end says in a row: by the machine, compared; by the script, after the other end has been seen
    /// to have nothing more to say.
    fn flight(&mut self, side: Side) -> Result<(), Failure> {
        let mut octets = Vec::new();
        let is_machine = match side {
            Side::Client => self.client.is_some(),
            Side::Server => self.server.is_some(),
        };
        if !is_machine {
            self.silence()?;
        }
        while let Some(Entry { content: Content::Said(by, said), .. }) = self.entry() {
            if *by != side {
                break;
            }
            if is_machine {
                self.said(side, said, &mut octets)?;
            } else {
                octets.extend(said.octets());
                self.pass();
            }
        }
        let segment = self.script.segment;
        let hearer = match side {
            Side::Client => &mut self.server,
            Side::Server => &mut self.client,
        };
        if let Some(hearer) = hearer {
            for piece in octets.chunks(segment) {
                hearer.hear(piece);
                hearer.pump();
            }
        }
        Ok(())
    }

    /// Compares the next of what a machine says with the script, and adds it to `octets`.
    fn said(&mut self, side: Side, said: &Said, octets: &mut Vec<u8>) -> Result<(), Failure> {
        let got = match said {
            Said::Member(_) | Said::OtherMembers => return self.set(side, octets),
            Said::Octets(expected) => self.machine(side).and_then(|actor| actor.octets(expected.len())),
            Said::Line(_) | Said::Exact(_) => self.machine(side).and_then(|actor| actor.line()),
        };
        let Some(got) = got else { return Err(self.nothing(side)) };
        let matches = match said {
            Said::Line(expected) if side == Side::Server => {
                let line = text(&got);
                self.dialect.significant(side, &line) == self.dialect.significant(side, expected)
            }
            said => said.octets() == got,
        };
        if !matches {
            return Err(self.failure(text(&got)));
        }
        octets.extend(got);
        self.pass();
        Ok(())
    }

    /// The rest of a reply, in any order.
    fn set(&mut self, side: Side, octets: &mut Vec<u8>) -> Result<(), Failure> {
        let mut got = Vec::new();
        loop {
            let Some(line) = self.machine(side).and_then(|actor| actor.line()) else {
                return Err(self.nothing(side));
            };
            let last = !self.dialect.continues(side, &text(&line));
            got.push(text(&line));
            octets.extend(line);
            if last {
                break;
            }
        }
        let mut others = false;
        while let Some(Entry { content: Content::Said(by, said), .. }) = self.entry() {
            match said {
                Said::OtherMembers if *by == side => others = true,
                Said::Member(expected) if *by == side => {
                    let wanted = self.dialect.member(side, expected);
                    let found = got.iter().position(|line| self.dialect.member(side, line) == wanted);
                    match found {
                        Some(at) => drop(got.remove(at)),
                        None => return Err(self.failure(format!("without it: {got:?}"))),
                    }
                }
                _ => break,
            }
            self.pass();
        }
        if others || got.is_empty() { Ok(()) } else { Err(self.failure(format!("more of the set: {got:?}"))) }
    }

    fn tls(&mut self) -> Result<(), Failure> {
        self.silence()?;
        let mut missing = None;
        self.each(|actor| {
            if !actor.upgrade() {
                missing = Some(actor.state());
            }
        });
        match missing {
            Some(state) => Err(self.failure(state)),
            None => {
                self.pass();
                Ok(())
            }
        }
    }

    fn ended(&mut self) -> Result<(), Failure> {
        // With two machines, one of them may only have heard the other's farewell.
        if self.client.is_some() && self.server.is_some() {
            self.each(|actor| actor.cut());
            self.pump();
        }
        let mut open = None;
        self.each(|actor| {
            if !actor.is_over() {
                open = Some(actor.state());
            }
        });
        open.map_or(Ok(()), |state| Err(self.failure(state)))
    }

    /// Asserts that no machine has said anything beyond the script.
    fn silence(&mut self) -> Result<(), Failure> {
        for side in [Side::Client, Side::Server] {
            let Some(actor) = self.machine(side) else { continue };
            if let Some(said) = actor.line().or_else(|| actor.octets(1)) {
                return Err(self.failure(format!("{side:?} says: {}", text(&said))));
            }
        }
        Ok(())
    }

    fn pump(&mut self) {
        self.each(|actor| actor.pump());
    }

    fn each(&mut self, mut call: impl FnMut(&mut dyn Actor)) {
        for side in [Side::Client, Side::Server] {
            if let Some(actor) = self.machine(side) {
                call(actor);
            }
        }
    }

    fn machine(&mut self, side: Side) -> Option<&mut dyn Actor> {
        match side {
            Side::Client => self.client.as_mut().map(|actor| &mut **actor as &mut dyn Actor),
            Side::Server => self.server.as_mut().map(|actor| &mut **actor as &mut dyn Actor),
        }
    }

    /// The next line of the script.
    fn entry(&self) -> Option<&'a Entry> {
        self.script.entries.get(self.at)
    }

    fn pass(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn nothing(&mut self, side: Side) -> Failure {
        let state = self.machine(side).map_or_else(String::new, |actor| actor.state());
        self.failure(format!("nothing; the {side:?} {state}"))
    }

    fn failure(&self, got: String) -> Failure {
        let entries = &self.script.entries;
        let line = self.entry().map_or_else(
            || entries.last().map_or(1, |last| last.number.saturating_add(1)),
            |entry| entry.number,
        );
        Failure {
            line,
            expected: self.entry().map_or_else(|| "the end of the script".into(), ToString::to_string),
            got,
            context: context(entries.get(..self.at).unwrap_or_default()),
        }
    }
}

/// An end that is a machine, whatever its type.
trait Actor {
    /// Lets it do all it can without input.
    fn pump(&mut self);
    fn hear(&mut self, octets: &[u8]);
    fn cut(&mut self);
    /// Whether it asked for TLS, which it now has.
    fn upgrade(&mut self) -> bool;
    /// The next line of what it said, with its line end.
    fn line(&mut self) -> Option<Vec<u8>>;
    fn octets(&mut self, count: usize) -> Option<Vec<u8>>;
    fn is_over(&self) -> bool;
    /// What it is doing, for people.
    fn state(&self) -> String;
}

/// A machine, its application, and what it has said that nobody has looked at.
struct Driven<'m, M: Machine, A> {
    machine: &'m mut M,
    answer: A,
    said: VecDeque<u8>,
    upgrade: Option<Upgrade>,
    state: String,
    over: bool,
}

impl<'m, M: Machine, A: FnMut(&mut M, M::Event)> Driven<'m, M, A> {
    const fn new(machine: &'m mut M, answer: A) -> Self {
        Self { machine, answer, said: VecDeque::new(), upgrade: None, state: String::new(), over: false }
    }
}

impl<M: Machine, A: FnMut(&mut M, M::Event)> Actor for Driven<'_, M, A> {
    fn pump(&mut self) {
        if self.upgrade.is_some() || self.over {
            return;
        }
        loop {
            let step = self.machine.poll_event();
            let mut sent = false;
            while let Some(octets) = self.machine.poll_transmit() {
                self.said.extend(octets);
                sent = true;
            }
            match step {
                Ok(Step::Event(event)) => (self.answer)(self.machine, event),
                // There is room now: the machine may go on with what it has.
                Ok(Step::NeedInput) if sent => {}
                // A machine that waits for its output to leave says so with a deadline that has passed.
                Ok(Step::NeedInput)
                    if self.machine.poll_timeout().is_some_and(|deadline| deadline <= Time::ZERO) =>
                {
                    self.machine.handle_timeout(Time::ZERO);
                }
                Ok(Step::NeedInput) => {
                    self.state = "waits for input".into();
                    return;
                }
                Ok(Step::Paused) => {
                    self.state = "waits for an answer of its application".into();
                    return;
                }
                Ok(Step::Upgrade(upgrade)) => {
                    self.upgrade = Some(upgrade);
                    self.state = "waits for TLS".into();
                    return;
                }
                Ok(Step::Closed) => {
                    self.over = true;
                    self.state = "has closed the connection".into();
                    return;
                }
                Err(error) => {
                    self.over = true;
                    self.state = format!("has failed: {error}");
                    return;
                }
            }
        }
    }

    fn hear(&mut self, octets: &[u8]) {
        self.machine.handle_input(Time::ZERO, octets);
    }

    fn cut(&mut self) {
        self.machine.handle_eof(Time::ZERO);
    }

    fn upgrade(&mut self) -> bool {
        let Some(upgrade) = self.upgrade.take() else { return false };
        self.machine.upgraded(Time::ZERO, upgrade, Security::Tls).is_ok()
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.said.iter().position(|octet| *octet == b'\n')?;
        self.octets(end.checked_add(1)?)
    }

    fn octets(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.said.len() >= count).then(|| self.said.drain(..count).collect())
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn state(&self) -> String {
        self.state.clone()
    }
}

/// For comparing and showing; a line without its end.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets.strip_suffix(b"\r\n").unwrap_or(octets)).into_owned()
}
