//! SORT and THREAD (RFC 5256, RFC 5957, RFC 5267 3). What SORT finds can be saved as that of SEARCH (RFC 5182 1).
//!
//! What is compared is kept in the index (`compared`). SORT compares numbers: dates, sizes, and the ranks of texts.

use std::num::NonZeroU32;
use std::sync::Arc;

use posthaste_imap::ProtocolError;
use posthaste_imap::message::Overview;
use posthaste_imap::search::Hit;
use posthaste_imap::server::{Asked, Found, Refusal, Sort, Thread};
use posthaste_imap::sort::{self, Column, Entry};
use posthaste_imap::thread;
use posthaste_imap::types::{
    AString, Addressing, SearchCommand, SearchKey, SearchReturn, SortCriterion, SortKey,
};
use posthaste_tokio::Error;

use super::compared::blocking;
use super::patience::Progress;
use super::search::{Look, Match, Unsearched};
use super::{Outcome, Session};
use crate::index::Overviews;
use crate::store::StoreError;

/// What SORT and THREAD look at, and how far they are.
struct Ground {
    look: Look,
    progress: Progress,
}

impl Session {
    /// The selected mailbox, once the client has been told what is new in it.
    async fn ground(&mut self) -> Result<Option<Ground>, Error<ProtocolError>> {
        self.sync().await?;
        Ok(self.look().map(|look| Ground { look, progress: Progress::default() }))
    }

    pub(super) async fn sort(&mut self, asked: Asked<Sort>) -> Outcome {
        let Some(ground) = self.ground().await? else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let (command, addressing) = (&asked.command, asked.addressing);
        let work = async {
            let found = ground.find(&command.charset, &command.keys).await?;
            let overviews = if command.criteria.iter().all(is_in_index) {
                Arc::default()
            } else {
                ground.overviews(&found).await?
            };
            let criteria = command.criteria.clone();
            let sorted = blocking(move || sorted(&found, &overviews, &criteria));
            Ok::<_, Unsearched>(sorted.await?)
        };
        let sorted = self.patiently(&asked, &ground.progress, Box::pin(work)).await?;
        let returns = asked.command.returns.as_deref().unwrap_or_default();
        let sorted = match sorted {
            Ok(sorted) => {
                let hit = |found: &Match| {
                    let uid = NonZeroU32::new(found.uid)?;
                    Some(Hit { number: found.number(addressing), uid, mod_seq: 0 })
                };
                if returns.contains(&SearchReturn::Save)
                    && !self.save(&sorted.iter().filter_map(hit).collect::<Vec<Hit>>(), returns)
                {
                    return Ok(asked.no(self.connection.machine(), Refusal::not_saved())?);
                }
                Ok(sorted)
            }
            Err(error) => {
                self.forget_saved(returns);
                Err(error)
            }
        };
        self.sync().await?;
        let server = self.connection.machine();
        match sorted {
            Ok(sorted) => {
                let mod_seq = sorted.iter().map(|found| found.modseq).max();
                let mod_seq = mod_seq.filter(|_| has_mod_seq(&asked.command.keys));
                let numbers = sorted.iter().map(|found| found.number(addressing)).collect();
                asked.ok(server, Found { numbers, mod_seq })?;
            }
            Err(error) => asked.no(server, error.refusal())?,
        }
        Ok(())
    }

    pub(super) async fn thread(&mut self, asked: Asked<Thread>) -> Outcome {
        let Some(ground) = self.ground().await? else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let (command, addressing) = (&asked.command, asked.addressing);
        let work = async {
            let found = ground.find(&command.charset, &command.keys).await?;
            let overviews = ground.overviews(&found).await?;
            let algorithm = command.algorithm.clone();
            let threads = blocking(move || {
                let threaded = threaded(&found, &overviews);
                thread::thread(&entries(addressing, &found, &threaded), &algorithm)
            });
            Ok::<_, Unsearched>(threads.await?)
        };
        let threads = self.patiently(&asked, &ground.progress, Box::pin(work)).await?;
        self.sync().await?;
        let server = self.connection.machine();
        match threads {
            Ok(Some(threads)) => asked.ok(server, threads)?,
            Ok(None) => asked.no(server, Refusal::cannot())?,
            Err(error) => asked.no(server, error.refusal())?,
        }
        Ok(())
    }
}

impl Ground {
    async fn find(&self, charset: &AString, keys: &[SearchKey]) -> Result<Vec<Match>, Unsearched> {
        let command = SearchCommand { returns: None, charset: Some(charset.clone()), keys: keys.to_vec() };
        self.look.find(&command, &self.progress).await
    }

    /// What is compared of what was found.
    async fn overviews(&self, found: &[Match]) -> Result<Arc<Overviews>, StoreError> {
        self.look.comparing.all(found.iter().map(|found| found.blob), &self.progress).await
    }
}

/// Whether the index has what a criterion compares.
fn is_in_index(criterion: &SortCriterion) -> bool {
    matches!(criterion.key, SortKey::Arrival | SortKey::Size)
}

fn has_mod_seq(keys: &[SearchKey]) -> bool {
    keys.iter().any(|key| matches!(key, SearchKey::ModSeq(_)))
}

/// What was found, sorted. A content that is gone has no texts, which come first.
fn sorted(found: &[Match], overviews: &Overviews, criteria: &[SortCriterion]) -> Vec<Match> {
    let mut places = overviews.places();
    let places: Vec<Option<usize>> = if criteria.iter().all(is_in_index) {
        Vec::new()
    } else {
        found.iter().map(|found| places.of(found.blob)).collect()
    };
    let column = |SortCriterion { key, order, .. }: &SortCriterion| match key {
        SortKey::Arrival => Column::of_signed(*order, found.iter().map(|found| found.arrival)),
        SortKey::Size => Column::new(*order, found.iter().map(|found| found.size)),
        SortKey::Date => {
            let sent = |(found, place): (&Match, &Option<usize>)| {
                place.and_then(|place| overviews.sent(place)).unwrap_or(found.arrival)
            };
            Column::of_signed(*order, found.iter().zip(&places).map(sent))
        }
        key => {
            let ranks = overviews.ranks(*key).unwrap_or_default();
            let rank = |place: &Option<usize>| {
                let rank = place.and_then(|place| ranks.get(place));
                rank.map_or(0, |rank| u64::from(*rank).saturating_add(1))
            };
            Column::new(*order, places.iter().map(rank))
        }
    };
    let columns: Vec<Column> = criteria.iter().map(column).collect();
    let sorted = sort::places(found.len(), &columns).into_iter();
    sorted
        .filter_map(|place| usize::try_from(place).ok().and_then(|place| found.get(place)).copied())
        .collect()
}

/// What THREAD compares of what was found.
fn threaded<'a>(found: &[Match], overviews: &'a Overviews) -> Vec<Overview<'a>> {
    let mut places = overviews.places();
    let threaded = |found: &Match| places.of(found.blob).map(|place| overviews.threaded(place));
    found.iter().map(threaded).map(Option::unwrap_or_default).collect()
}

fn entries<'a>(addressing: Addressing, found: &[Match], overviews: &'a [Overview<'a>]) -> Vec<Entry<'a>> {
    let entry = |(found, overview): (&Match, &'a Overview<'a>)| Entry {
        number: found.number(addressing),
        arrival: found.arrival,
        size: found.size,
        overview,
    };
    found.iter().zip(overviews).map(entry).collect()
}
