//! The end of a message: into the mailboxes, durably, and then the answer.
//!
//! SMTP has one answer for all recipients (RFC 5321 4.1.1.4), so all get the message or none does. One of them who
//! cannot have it for now makes the sender try again, and one who never can ends it for all, where the sender is told
//! which. LMTP has an answer for each (RFC 2033 4.2), and each recipient stands alone, unless one is a group: of a
//! group, all get the message or none, so that a second try gives nobody a second copy, and then this holds for the
//! whole message.

use std::collections::BTreeMap;

use posthaste_smtp::server::{BodyEnd, Mode};
use posthaste_smtp::{ProtocolError, Rejection, Text};
use posthaste_tokio::Error;

use super::recipients::{Place, Taken};
use super::{Message, Session, answer, words};
use crate::directory::Address;
use crate::store::{Delivered, Flags, InternalDate, NewMessage, Spooled, StoreError};
use crate::trace::{self, State};

/// What became of a message: for each of its recipients, in order.
type Results = Vec<Result<(), Rejection>>;

impl Session {
    pub(super) async fn body_end(&mut self, end: BodyEnd) -> Result<(), Error<ProtocolError>> {
        let Some(mut message) = self.message.take() else {
            end.reject(self.connection.machine(), Rejection::try_later())?;
            return Ok(());
        };
        // What was set while the message came counts for it.
        self.look_up_account();
        if self.mode == Mode::Submission && self.account.is_none() {
            let rejection = answer::no_longer_allowed();
            self.tell(&message, State::Refused, &words(&rejection));
            end.reject(self.connection.machine(), rejection)?;
            return Ok(());
        }
        let (results, received) = self.settle(&mut message).await;
        let received = trace::Event { size: Some(end.size()), ..received };
        self.report(&message, &results, received);
        let server = self.connection.machine();
        if results.iter().all(Result::is_ok) {
            match format!("OK {}", message.id).parse::<Text>() {
                Ok(text) => end.accept_with(server, &text)?,
                Err(_) => end.accept(server)?,
            }
        } else if self.mode == Mode::Lmtp {
            end.finish(server, results)?;
        } else {
            let first = results.into_iter().find_map(Result::err).unwrap_or_else(Rejection::try_later);
            end.reject(server, first)?;
        }
        Ok(())
    }

    /// Brings a message that has arrived to its mailboxes.
    async fn settle(&self, message: &mut Message) -> (Results, trace::Event) {
        let mut received = self.event(message, State::Received, "");
        let all = |rejection: &Rejection, message: &Message| {
            message.taken.iter().map(|_| Err(rejection.clone())).collect::<Results>()
        };
        let Some(content) = message.content.take() else {
            return (all(&Rejection::try_later(), message), received);
        };
        received.message_id = content.header().message_id();
        let size = content.size();
        let (hops, been) = (content.header().is_loop(), been_at(content.header().delivered_to()));
        let spooled = match content.end().await {
            Ok(spooled) => spooled,
            Err(rejection) => return (all(&rejection, message), received),
        };
        if hops {
            return (all(&answer::going_in_circles(), message), received);
        }
        // Whoever submits may send on what has been delivered; those fields are gone from it.
        let circles = |taken: &Taken| self.mode != Mode::Submission && been.contains(&taken.address);
        if self.mode != Mode::Lmtp && message.taken.iter().any(circles) {
            return (all(&answer::going_in_circles(), message), received);
        }
        // Elsewhere the least of all limits was kept to while it came.
        let too_large = |taken: &Taken| {
            self.mode == Mode::Lmtp && taken.size_max(&self.context.directory).is_some_and(|max| size > max)
        };
        let own_refusal = |taken: &Taken| match () {
            () if circles(taken) => Some(answer::going_in_circles()),
            () if too_large(taken) => Some(answer::larger_than_allowed()),
            () => None,
        };
        let refused: Vec<Option<Rejection>> = message.taken.iter().map(own_refusal).collect();
        let accepted = message.taken.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let wanted: Vec<&Taken> = accepted.map(|(taken, _)| taken).collect();
        let places = self.deliver(spooled, &wanted).await;
        let results = message
            .taken
            .iter()
            .zip(refused)
            .map(|(taken, refused)| refused.map_or_else(|| outcome(taken, &places), Err));
        (results.collect(), received)
    }

    /// Delivers to each place once: what became of it there.
    async fn deliver(&self, spooled: Spooled, wanted: &[&Taken]) -> BTreeMap<Place, Result<(), Rejection>> {
        let deliveries: BTreeMap<_, _> =
            wanted.iter().flat_map(|taken| taken.deliveries(&self.context)).collect();
        if deliveries.is_empty() {
            return BTreeMap::new();
        }
        let all_or_none = self.mode != Mode::Lmtp || wanted.iter().any(|taken| taken.is_several());
        let (places, deliveries): (Vec<Place>, Vec<_>) = deliveries.into_iter().unzip();
        let new = NewMessage { content: spooled, flags: Flags::default(), date: InternalDate::now() };
        let several = deliveries.len() > 1;
        match self.context.store.deliver(new, deliveries, all_or_none).await {
            Ok(outcomes) => {
                let outcomes = outcomes.into_iter().map(|outcome: Result<Delivered, _>| {
                    outcome.map(drop).map_err(|error| refusal(&error, all_or_none && several))
                });
                places.into_iter().zip(outcomes).collect()
            }
            Err(error) => {
                if error.is_temporary() {
                    tracing::error!(%error, "a message cannot be delivered");
                }
                let rejection = refusal(&error, several);
                places.into_iter().map(|place| (place, Err(rejection.clone()))).collect()
            }
        }
    }

    /// One line for the message, and one for each way in which it ended.
    fn report(&self, message: &Message, results: &Results, received: trace::Event) {
        let mut ends: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
        for (taken, result) in message.taken.iter().zip(results) {
            let end = match result {
                Ok(()) => (true, "250 2.0.0 OK".to_owned()),
                Err(rejection) => (false, words(rejection)),
            };
            ends.entry(end).or_default().push(taken.path.to_string());
        }
        let size = received.size;
        self.context.trace.tell(received);
        for ((is_delivered, result), to) in ends {
            let state = if is_delivered { State::Delivered } else { State::Refused };
            self.context.trace.tell(trace::Event { to, size, ..self.event(message, state, &result) });
        }
    }
}

/// Where a message has been delivered before, as far as it could have been here.
fn been_at<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Address> {
    values.filter_map(|value| Address::parse(value).ok()).collect()
}

fn outcome(taken: &Taken, places: &BTreeMap<Place, Result<(), Rejection>>) -> Result<(), Rejection> {
    let of_place = |place| places.get(&place).cloned().unwrap_or_else(|| Err(Rejection::try_later()));
    taken.places().try_for_each(of_place)
}

/// The answer to an error that stands for all of several recipients, or for one.
fn refusal(error: &StoreError, several: bool) -> Rejection {
    match error {
        StoreError::OverQuota { quota, wanted, .. } if wanted > quota => {
            answer::refused(552, (5, 2, 3), "The message is larger than all that a recipient may keep")
        }
        // Tried again, RCPT says of whom this is true.
        StoreError::NoSuchAccount if several => Rejection::try_later(),
        error => answer::store(error),
    }
}
