//! A disk that is read in pieces: found in order by one, read on any thread, where something is made of them.

use crate::error::Result;

/// Bytes of a piece: eight grains, so that each is of one grain table.
pub(in crate::image) const PIECE_BYTES: u64 = 512 * 1024;

/// A part of a disk that may have other bytes than zeros.
#[derive(Debug)]
pub(in crate::image) struct Piece<T> {
    /// Where it begins, a multiple of what a piece has.
    pub(in crate::image) at: u64,
    /// What its reader needs.
    pub(in crate::image) what: T,
}

/// Finds the pieces.
pub(in crate::image) trait Pieces {
    /// What a piece is to its reader.
    type What: Send + 'static;
    /// Reads them.
    type Reader: ReadPiece<Self::What>;

    /// The next one, in the order of the disk. What is between two has zeros only.
    fn next(&mut self) -> Result<Option<Piece<Self::What>>>;

    /// A reader for another thread.
    fn reader(&self) -> Self::Reader;

    /// How much of the source was passed, in what its length counts.
    fn passed(&self) -> u64;

    /// Bytes of a piece: a power of two.
    fn piece_bytes(&self) -> u64 {
        PIECE_BYTES
    }
}

/// Reads pieces on one thread.
pub(in crate::image) trait ReadPiece<T>: Send + 'static {
    /// Gives each of these bytes the value that the disk has; zeros behind its end.
    fn read(&mut self, piece: &Piece<T>, plain: &mut [u8]) -> Result<()>;
}

/// Makes something of the bytes of a piece, on one thread.
pub(in crate::image) trait Make: Send + 'static {
    /// What that is.
    type Made: Default + Send + 'static;

    /// The same for another thread.
    fn again(&self) -> Self;

    /// Makes it of the plain bytes of the piece that begins at this byte of the disk. `made` is new, or has what
    /// was made of another piece.
    fn make(&mut self, at: u64, plain: &[u8], made: &mut Self::Made) -> Result<()>;
}
