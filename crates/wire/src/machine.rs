//! The contract that every machine keeps, as a trait.
//!
//! Drivers, simulators, split testers and fuzz bodies are generic over it; everybody else calls the inherent
//! methods of the same names, to which an implementation only delegates.

use bytes::Bytes;

use crate::{Direction, Misuse, Passage, Security, Step, Time, Upgrade};

/// A protocol conversation of one connection, without the connection.
///
/// ```text
///        bytes, EOF, time                        events (some are reply tokens)
///   ───►  handle_input                            poll_event  ───►
///         handle_eof          ┌───────────┐
///         handle_timeout ───► │  Machine  │ ───►  poll_transmit   bytes for the peer
///         upgraded            └───────────┘       poll_timeout    the next deadline
/// ```
///
/// # The loop
///
/// 1. Call [`poll_event`](Self::poll_event) until it does not return [`Step::Event`]; answer each event's token
///    when the answer is known.
/// 2. Send everything [`poll_transmit`](Self::poll_transmit) has, in order.
/// 3. If that sent anything, start again at 1: a machine whose queue was full reads no further command before it
///    has room for the answer, however much input it holds.
/// 4. On [`Step::NeedInput`], wait for bytes, end of file or the time [`poll_timeout`](Self::poll_timeout) names,
///    hand in what came, and start again at 1.
///
/// # What an implementation promises
///
/// * Any split of the same bytes gives the same events, the same output and the same error.
/// * One event is parsed per poll; what the peer sent behind it stays unparsed until it is asked for.
/// * No call panics, whatever the bytes and whatever the order of calls.
/// * An error from `poll_event` is sticky: it comes again on every later poll, and no more events follow. What
///   was to be sent before it, a farewell included, still comes out of `poll_transmit`.
/// * After [`Step::Closed`] every input is ignored.
pub trait Machine {
    /// What the machine tells the application. A server event that needs an answer is its own reply token.
    type Event;

    /// The conversation is broken beyond repair: framing lost, contract violated, limit for patience reached.
    type Error: core::error::Error + Clone + Send + Sync + 'static;

    /// Takes bytes that the peer sent, in any split.
    fn handle_input(&mut self, now: Time, input: &[u8]);

    /// Takes note that the peer will send nothing more.
    fn handle_eof(&mut self, now: Time);

    /// Takes note of the time. A call before the deadline does nothing.
    fn handle_timeout(&mut self, now: Time);

    /// Parses and returns one event, or says what is needed for the next.
    ///
    /// # Errors
    ///
    /// The conversation cannot go on; the error is returned again on every later call.
    fn poll_event(&mut self) -> Result<Step<Self::Event>, Self::Error>;

    /// The next bytes for the peer, in order. `None` when all has been taken.
    fn poll_transmit(&mut self) -> Option<Bytes>;

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    fn poll_timeout(&self) -> Option<Time>;

    /// Tells that the layer asked for by [`Step::Upgrade`] is in place. The proof is the one from that step.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when no upgrade was asked for, or when the proof belongs to another connection.
    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse>;

    /// Whether as much is waiting to be sent as the machine wants to hold. A driver sends before it lets the
    /// application write more of a body.
    fn is_congested(&self) -> bool;

    /// Begins to keep a record of what passes, for a log: what a line is, what is secret and what belongs to a message
    /// only the machine knows. Lasts until the next [`upgraded`](Self::upgraded). A machine need not be able to.
    fn keep_record(&mut self) {}

    /// The next passage of the record in one direction. Nothing unless [`keep_record`](Self::keep_record) was called.
    fn take_record(&mut self, direction: Direction) -> Option<Passage> {
        let _ = direction;
        None
    }
}

/// Implements [`Machine`] for a type that has the methods of the contract as its own, by calling those.
///
/// The arguments are the machine, its event and its error. A method that is missing or different does not compile.
/// A fourth, `|machine| (receive, send)`, names the buffers that keep its record.
///
/// ```
/// # use posthaste_wire::{Bytes, Layer, Misuse, Security, Step, Time, Upgrade, delegate_machine};
/// /// Says nothing and hears nothing.
/// struct Silent;
///
/// impl Silent {
///     fn handle_input(&mut self, _now: Time, _input: &[u8]) {}
///     fn handle_eof(&mut self, _now: Time) {}
///     fn handle_timeout(&mut self, _now: Time) {}
///     fn poll_event(&mut self) -> Result<Step<()>, Misuse> {
///         Ok(Step::NeedInput)
///     }
///     fn poll_transmit(&mut self) -> Option<Bytes> {
///         None
///     }
///     fn poll_timeout(&self) -> Option<Time> {
///         None
///     }
///     fn upgraded(&mut self, _now: Time, _upgrade: Upgrade, _security: Security) -> Result<(), Misuse> {
///         Err(Misuse::NoUpgrade)
///     }
///     fn is_congested(&self) -> bool {
///         false
///     }
/// }
///
/// delegate_machine!(Silent, (), Misuse);
/// ```
#[macro_export]
macro_rules! delegate_machine {
    ($machine:ty, $event:ty, $error:ty) => {
        $crate::delegate_machine!($machine, $event, $error;);
    };
    ($machine:ty, $event:ty, $error:ty, |$this:ident| ($receive:expr, $send:expr)) => {
        $crate::delegate_machine!(
            $machine, $event, $error;
            fn keep_record(&mut self) {
                let $this = self;
                $receive.keep_record();
                $send.keep_record();
            }

            fn take_record(&mut self, direction: $crate::Direction) -> Option<$crate::Passage> {
                let $this = self;
                match direction {
                    $crate::Direction::In => $receive.take_record(),
                    $crate::Direction::Out => $send.take_record(),
                }
            }
        );
    };
    ($machine:ty, $event:ty, $error:ty; $($record:item)*) => {
        impl $crate::Machine for $machine {
            type Event = $event;
            type Error = $error;

            fn handle_input(&mut self, now: $crate::Time, input: &[u8]) {
                <$machine>::handle_input(self, now, input);
            }

            fn handle_eof(&mut self, now: $crate::Time) {
                <$machine>::handle_eof(self, now);
            }

            fn handle_timeout(&mut self, now: $crate::Time) {
                <$machine>::handle_timeout(self, now);
            }

            fn poll_event(&mut self) -> Result<$crate::Step<$event>, $error> {
                <$machine>::poll_event(self)
            }

            fn poll_transmit(&mut self) -> Option<$crate::Bytes> {
                <$machine>::poll_transmit(self)
            }

            fn poll_timeout(&self) -> Option<$crate::Time> {
                <$machine>::poll_timeout(self)
            }

            fn upgraded(
                &mut self,
                now: $crate::Time,
                upgrade: $crate::Upgrade,
                security: $crate::Security,
            ) -> Result<(), $crate::Misuse> {
                <$machine>::upgraded(self, now, upgrade, security)
            }

            fn is_congested(&self) -> bool {
                <$machine>::is_congested(self)
            }

            $($record)*
        }
    };
}
