//! One machine, one input, every way to cut it: events, output and error must not depend on the cuts.

use posthaste_wire::{Machine, Security, Step, Time};

/// What a test saw of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An event, in words. Two of them stay two.
    Event(String),
    /// Octets of a body. Chunks are as arbitrary as reads, so notes that follow each other are joined.
    Body(Vec<u8>),
}

impl Note {
    /// The note of an event.
    pub fn event(words: impl Into<String>) -> Self {
        Self::Event(words.into())
    }

    /// The note of a chunk.
    pub fn body(chunk: &[u8]) -> Self {
        Self::Body(chunk.to_vec())
    }
}

/// All that can be observed of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The events, chunks joined.
    pub notes: Vec<Note>,
    /// All that was sent.
    pub output: Vec<u8>,
    /// The error that ended the run, in words.
    pub error: Option<String>,
    /// Whether the machine closed the conversation.
    pub closed: bool,
    /// Whether a token was left unanswered.
    pub paused: bool,
}

impl Outcome {
    /// The output as text, for assertions that people read.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Whether an event note with exactly these words was made.
    pub fn has(&self, words: &str) -> bool {
        self.notes.iter().any(|note| matches!(note, Note::Event(event) if event == words))
    }

    /// All body octets that were seen, joined over the whole run.
    pub fn bodies(&self) -> Vec<u8> {
        let bodies = self.notes.iter().filter_map(|note| match note {
            Note::Body(chunk) => Some(chunk.as_slice()),
            Note::Event(_) => None,
        });
        bodies.collect::<Vec<_>>().concat()
    }

    fn note(&mut self, note: Note) {
        match (self.notes.last_mut(), note) {
            (Some(Note::Body(body)), Note::Body(chunk)) => body.extend_from_slice(&chunk),
            (_, note) => self.notes.push(note),
        }
    }
}

/// Feeds `pieces` to the machine as a driver would, each when the machine needs input, and end of file behind the
/// last where `eof` says so. `answer` is given each event, answers it where it is a token, and says what it saw.
///
/// A change of layer succeeds at once; the next piece is then the first of the new layer.
pub fn run<'a, M: Machine>(
    machine: &mut M,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    eof: bool,
    mut answer: impl FnMut(&mut M, M::Event) -> Note,
) -> Outcome {
    let now = Time::ZERO;
    let mut outcome = Outcome::default();
    let mut pieces = pieces.into_iter();
    let mut eof = eof;
    loop {
        let step = machine.poll_event();
        let mut sent = false;
        while let Some(bytes) = machine.poll_transmit() {
            outcome.output.extend_from_slice(&bytes);
            sent = true;
        }
        match step {
            Ok(Step::Event(event)) => {
                let note = answer(machine, event);
                outcome.note(note);
            }
            // There is room now: the machine may go on with what it has.
            Ok(Step::NeedInput) if sent => {}
            Ok(Step::NeedInput) => match pieces.next() {
                Some(piece) => machine.handle_input(now, piece),
                None if eof => {
                    eof = false;
                    machine.handle_eof(now);
                }
                None => return outcome,
            },
            Ok(Step::Upgrade(upgrade)) => {
                outcome.note(Note::event("(upgrade)"));
                if let Err(misuse) = machine.upgraded(now, upgrade, Security::Tls) {
                    outcome.error = Some(misuse.to_string());
                    return outcome;
                }
            }
            Ok(Step::Paused) => {
                outcome.paused = true;
                return outcome;
            }
            Ok(Step::Closed) => {
                outcome.closed = true;
                return outcome;
            }
            Err(error) => {
                outcome.error = Some(error.to_string());
                return outcome;
            }
        }
    }
}

/// The ways to cut `input` that a split test tries: octet by octet, and in two at every place; for an input over
/// 2,000 octets, in two at 500 places spread over it.
pub fn splits(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let step = if input.len() > 2000 { input.len() / 500 } else { 1 };
    let halves = (1..input.len()).step_by(step).filter_map(move |at| {
        let (before, behind) = input.split_at_checked(at)?;
        Some(vec![before, behind])
    });
    std::iter::once(input.chunks(1).collect()).chain(halves)
}

/// Asserts that every split of `input` has the outcome that the whole has, and returns that.
///
/// # Panics
///
/// When a split differs: that is the failure of the test.
#[expect(clippy::panic, reason = "a failed assertion of a test")]
pub fn assert_split_invariant<M: Machine>(
    make: impl Fn() -> M,
    input: &[u8],
    eof: bool,
    answer: impl Fn(&mut M, M::Event) -> Note,
) -> Outcome {
    let whole = run(&mut make(), [input], eof, &answer);
    for pieces in splits(input) {
        let sizes: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        let outcome = run(&mut make(), pieces, eof, &answer);
        if outcome != whole {
            let sizes = sizes.get(..sizes.len().min(4)).unwrap_or_default();
            panic!("cut as {sizes:?}..:\n{outcome:#?}\nbut the whole gives:\n{whole:#?}");
        }
    }
    whole
}
