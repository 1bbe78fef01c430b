//! What THREAD answers (RFC 5256, sections 3 and 5): the algorithms, and the trees as one flat list.
//!
//! A tree may be as deep as a mailbox has messages, so nothing here recurses, dropping included.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU32;

use crate::types::{AString, Label, SearchKey};

/// The arguments of THREAD (RFC 5256, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadCommand {
    /// How messages are put into threads.
    pub algorithm: ThreadAlgorithm,
    /// The charset of the strings, as [`SearchCommand::charset`](crate::types::SearchCommand::charset).
    pub charset: AString,
    /// Which messages: all keys must match; a server never sees an empty list.
    pub keys: Vec<SearchKey>,
}

/// `thread-alg`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadAlgorithm {
    /// `ORDEREDSUBJECT`
    OrderedSubject,
    /// `REFERENCES`
    References,
    /// Another one.
    Other(Label),
}

impl ThreadAlgorithm {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::OrderedSubject => "ORDEREDSUBJECT",
            Self::References => "REFERENCES",
            Self::Other(name) => name.as_str(),
        }
    }

    /// The algorithm called `name`, in any case.
    pub fn named(name: Label) -> Self {
        if name.is("ORDEREDSUBJECT") {
            Self::OrderedSubject
        } else if name.is("REFERENCES") {
            Self::References
        } else {
            Self::Other(name)
        }
    }
}

/// One place in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadNode {
    /// The message; `None` for a parent that is not there, which only the top of a thread can be.
    pub number: Option<NonZeroU32>,
    /// How many messages are above it in its thread: 0 at the top.
    pub depth: u32,
}

/// `thread-data`: every thread, each message before those that answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threads(Vec<ThreadNode>);

impl Threads {
    /// The threads whose messages, in the order they are written, are these.
    ///
    /// A depth that is more than one below the one before is taken as one below.
    pub fn new(nodes: impl IntoIterator<Item = ThreadNode>) -> Self {
        let mut below = 0;
        let nodes = nodes.into_iter().map(|node| {
            let depth = node.depth.min(below);
            below = depth.saturating_add(1);
            ThreadNode { depth, ..node }
        });
        Self(nodes.collect())
    }

    /// All places: a parent, then its children, each with all that is below it.
    pub fn nodes(&self) -> &[ThreadNode] {
        &self.0
    }

    /// Whether there are no threads.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For each place how many children it has.
    fn child_counts(&self) -> Vec<u32> {
        let mut counts = alloc::vec![0_u32; self.0.len()];
        // The last place seen of each depth.
        let mut open: Vec<usize> = Vec::new();
        for (at, node) in self.0.iter().enumerate() {
            let depth = usize::try_from(node.depth).unwrap_or(usize::MAX);
            open.truncate(depth);
            if let Some(count) = open.last().and_then(|parent| counts.get_mut(*parent)) {
                *count = count.saturating_add(1);
            }
            open.push(at);
        }
        counts
    }
}

/// `1*thread-list`, as it stands behind `THREAD` and a space.
impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.child_counts();
        // The depths at which a parenthesis is open.
        let mut open: Vec<u32> = Vec::new();
        let mut only_child = false;
        let mut after_number = false;
        for (node, children) in self.0.iter().zip(counts) {
            while open.last().is_some_and(|depth| *depth >= node.depth) {
                open.pop();
                f.write_str(")")?;
                after_number = false;
            }
            if !only_child {
                if after_number {
                    f.write_str(" ")?;
                }
                f.write_str("(")?;
                open.push(node.depth);
            } else if after_number {
                f.write_str(" ")?;
            }
            after_number = node.number.is_some();
            if let Some(number) = node.number {
                number.fmt(f)?;
            }
            only_child = children == 1;
        }
        open.iter().try_for_each(|_| f.write_str(")"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn threads(nodes: &[(u32, u32)]) -> Threads {
        Threads::new(
            nodes
                .iter()
                .map(|(number, depth)| ThreadNode { number: NonZeroU32::new(*number), depth: *depth }),
        )
    }

    #[test]
    fn the_examples_of_the_rfc_are_written_as_it_does() {
        let example = [(2, 0), (3, 0), (6, 1), (4, 2), (23, 3), (44, 2), (7, 3), (96, 4)];
        assert_eq!(threads(&example).to_string(), "(2)(3 6 (4 23)(44 7 96))");
        assert_eq!(threads(&[(0, 0), (3, 1), (5, 1)]).to_string(), "((3)(5))");
        assert_eq!(threads(&[(0, 0), (170, 1), (179, 1), (171, 0)]).to_string(), "((170)(179))(171)");
        let subject = [(174, 0), (175, 1), (176, 1), (194, 0), (195, 1), (196, 0), (197, 1), (198, 1)];
        assert_eq!(threads(&subject).to_string(), "(174 (175)(176))(194 195)(196 (197)(198))");
        assert_eq!(threads(&[]).to_string(), "");
        // A missing depth is not one.
        assert_eq!(threads(&[(1, 5), (2, 9)]).to_string(), "(1 2)");
    }

    #[test]
    fn rs_02_a_hundred_thousand_levels_are_written_without_the_stack() {
        let chain =
            Threads::new((0..100_000).map(|at| ThreadNode { number: NonZeroU32::new(at + 1), depth: at }));
        let text = chain.to_string();
        assert!(text.starts_with("(1 2 3 ") && text.ends_with(" 100000)"));
        // Each level has two children, the second of which goes on.
        let ladder = Threads::new(
            (0..100_000).map(|at| ThreadNode { number: NonZeroU32::new(at + 1), depth: at / 2 + at % 2 }),
        );
        let depth: String = ladder.to_string().chars().filter(|character| *character == '(').collect();
        assert!(depth.len() > 50_000);
    }
}
