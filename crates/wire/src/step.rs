//! What a machine answers when it is asked for its next event.

use crate::Upgrade;

/// The outcome of one `poll_event`: an event, or the reason why there is none.
///
/// ```text
///             Event(e)   handle it, then poll again
///             NeedInput  flush; poll again if that sent anything; else read and call handle_input, or wait for
///                        the deadline
///   poll ──►  Paused     flush; a token is out: answer it, then poll again; watch for EOF only
///             Upgrade(u) flush, run the TLS or DEFLATE layer over the connection, call upgraded(u)
///             Closed     flush, then close the connection; no call changes anything any more
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a step says what the machine waits for"]
pub enum Step<E> {
    /// Something the application has to know or to answer.
    Event(E),
    /// Nothing more can be said until bytes, end of file or a deadline come in, or until what is queued has been
    /// sent: a driver that sends something now polls again before it waits.
    NeedInput,
    /// An event handed out earlier is also a token, and it has not been answered yet. Nothing is parsed and
    /// nothing should be read meanwhile: that is the back-pressure.
    Paused,
    /// Everything before this point was said in the old layer; the next octet belongs to the new one. The
    /// driver flushes, sets the layer up and calls `upgraded` with the proof it was handed here.
    Upgrade(Upgrade),
    /// The conversation is over. What is still to be sent is in `poll_transmit`; then the connection is closed.
    Closed,
}

impl<E> Step<E> {
    /// The event, where there is one.
    pub fn event(self) -> Option<E> {
        match self {
            Self::Event(event) => Some(event),
            Self::NeedInput | Self::Paused | Self::Upgrade(_) | Self::Closed => None,
        }
    }

    /// The same step with its event changed by `f`.
    pub fn map<T>(self, f: impl FnOnce(E) -> T) -> Step<T> {
        match self {
            Self::Event(event) => Step::Event(f(event)),
            Self::NeedInput => Step::NeedInput,
            Self::Paused => Step::Paused,
            Self::Upgrade(upgrade) => Step::Upgrade(upgrade),
            Self::Closed => Step::Closed,
        }
    }
}
