//! How long a stream may be: a disk does not go on beyond it.

/// A small disk's stream has its tables too.
const HEADROOM_BYTES: u64 = 64 * 1024 * 1024;

/// [`Limit::name`] where the lease says no size: that one the caller can raise.
pub const UNANNOUNCED: &str = "size of a stream whose size the lease does not say";

/// The most that a stream may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many bytes.
    pub(crate) bytes: u64,
    /// What it limits.
    pub(crate) name: &'static str,
}

impl Limit {
    /// By what the lease says of the size. An export's stream is compressed and cannot be much
    /// larger than the disks; where nothing is said, `unannounced` is the most.
    pub(crate) fn new(announced: u64, unannounced: u64) -> Self {
        if announced == 0 {
            return Self {
                bytes: unannounced,
                name: UNANNOUNCED,
            };
        }
        let headroom = (announced / 20).saturating_add(HEADROOM_BYTES);
        Self {
            bytes: announced.saturating_add(headroom),
            name: "size of the stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_decides_and_else_the_caller() {
        assert_eq!(Limit::new(100, 7).bytes, 105 + HEADROOM_BYTES);
        assert_eq!(Limit::new(0, 7).bytes, 7);
        assert_eq!(Limit::new(0, 7).name, UNANNOUNCED);
        assert_eq!(Limit::new(u64::MAX, 7).bytes, u64::MAX);
    }
}
