//! How much of a message is looked at. The octets of a message are served whole whatever these say.

/// Bounds of [`Summary::scan_within`](super::Summary::scan_within), each with what happens beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Levels of parts, the message itself included. A multipart or an enclosed message on the last of them is an
    /// `application/octet-stream` leaf.
    pub depth_max: usize,
    /// Parts of a message in all, enclosed messages counted twice (the part and its content). The last one allowed
    /// is an `application/octet-stream` leaf that runs to the end of the message.
    pub parts_max: usize,
    /// Octets of one header in which fields are looked for. Fields that begin further on are not in the summary.
    pub header_max: usize,
    /// Octets of one field that are read. The rest of its value is not in the summary.
    pub field_max: usize,
    /// Parameters of one `Content-Type` or `Content-Disposition`, and tags of one `Content-Language`. Further ones
    /// are left out.
    pub params_max: usize,
    /// Addresses (with the marks of groups) of one envelope member. Further ones are left out.
    pub addresses_max: usize,
    /// Message ids of `References` that are kept, the last ones.
    pub references_max: usize,
    /// Octets of a boundary (RFC 2046 allows 70). A multipart with a longer one is a `text/plain` leaf.
    pub boundary_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 100,
            parts_max: 10_000,
            header_max: 10 * 1024 * 1024,
            field_max: 100 * 1024,
            params_max: 128,
            addresses_max: 10_240,
            references_max: 1_000,
            boundary_max: 2048,
        }
    }
}
