//! Grains on their way from one stream to another, as they are; the last one is filled up where it is
//! shorter than a grain, which some readers take for damage.

use crate::vmdk::{Finding, GRAIN, Grain, GrainCompression, Inflater, Packed, Packer};

/// What came and is not written.
pub(super) struct Grains {
    /// Each of one table, in order.
    whole: Vec<Packed>,
    open: Packed,
    inflater: Inflater,
    packer: Packer,
    /// Why the last grain cannot be filled up.
    wrong: Option<Finding>,
}

impl Grains {
    pub(super) fn new() -> Self {
        Self {
            whole: Vec::new(),
            open: Packed::default(),
            inflater: Inflater::new(),
            packer: Packer::new(GrainCompression::default()),
            wrong: None,
        }
    }

    /// Takes the next grain.
    pub(super) fn take(&mut self, grain: &Grain<'_>) {
        let number = grain.sectors.start / GRAIN;
        if grain.length < grain.full && self.is_filled_up(number, grain) {
            return;
        }
        if !self.open.push(number, grain.data) {
            self.close();
            self.open.push(number, grain.data);
        }
    }

    /// Compresses anew a grain that is shorter than others; false where it is not.
    fn is_filled_up(&mut self, number: u64, grain: &Grain<'_>) -> bool {
        let inflated = self.inflater.inflate(grain.data, grain.full, grain.length);
        let packed = match inflated {
            Ok(plain) if plain.len() == grain.full => return false,
            Ok(plain) => {
                let mut filled = plain.to_vec();
                filled.resize(grain.full, 0);
                let mut packed = Packed::default();
                let made = self.packer.pack(number, &filled, &mut packed);
                made.map(|()| packed)
            }
            Err(reason) => Err(reason),
        };
        match packed {
            Ok(packed) => {
                self.close();
                self.whole.push(packed);
            }
            Err(reason) => {
                self.wrong = Some(Finding::grain(grain.at, grain.sectors.clone(), &reason));
            }
        }
        true
    }

    fn close(&mut self) {
        self.whole.push(std::mem::take(&mut self.open));
    }

    /// All that came, by tables, in order.
    pub(super) fn ready(&mut self) -> Result<Vec<Packed>, Finding> {
        if let Some(finding) = self.wrong.take() {
            return Err(finding);
        }
        self.close();
        Ok(std::mem::take(&mut self.whole))
    }
}
