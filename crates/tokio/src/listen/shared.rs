//! Limits that change while services run.
//!
//! Decides who sees a change, and from when on: each connection that comes after it. Those that are there are never cut
//! by one; where there are more of them than a lower limit allows, nobody new comes in until enough have gone.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::Limits;

/// The [`Limits`] of one or more services, which can be changed while they run. A clone is the same limits.
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use posthaste_tokio::{Limits, Listener, SharedLimits, serve};
/// use tokio_util::sync::CancellationToken;
///
/// let limits = SharedLimits::new(Limits::default());
/// let listener = Listener::bind("[::]:25").await?;
/// tokio::spawn(serve(listener, limits.clone(), CancellationToken::new(), |accepted| async move {
///     println!("{} is here", accepted.peer);
/// }));
/// // Later: connections that come from now on find less room, those that are there stay.
/// limits.change(|limits| limits.per_network_max = 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedLimits(Arc<RwLock<Arc<Limits>>>);

impl SharedLimits {
    /// Limits that are these, for now.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(limits))))
    }

    /// The limits as they are now. They stay as they are: a later change makes others.
    pub fn current(&self) -> Arc<Limits> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes limits, for connections that come from now on. Changes are made one after the other, and a connection
    /// sees all of one or nothing.
    ///
    /// A connection whose PROXY header or TLS handshake is under way keeps the limits it came with.
    /// [`drain_timeout`](Limits::drain_timeout) is that of the moment when a service begins to end.
    pub fn change(&self, change: impl FnOnce(&mut Limits)) {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut limits = Limits::clone(&slot);
        change(&mut limits);
        *slot = Arc::new(limits);
    }
}

impl From<Limits> for SharedLimits {
    fn from(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl Default for SharedLimits {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for SharedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedLimits").field(&self.current()).finish()
    }
}
