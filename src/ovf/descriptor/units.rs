//! `byte * 2^20` and its like (DSP0004, annex C), and the words of OVF 0.9.

/// vSphere's `long`.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// How many bytes a unit is; `None` for another unit, or one that is too large.
pub(super) fn bytes(unit: &str) -> Option<u64> {
    let mut parts = unit.split('*').map(str::trim);
    let base = match parts.next()?.to_ascii_lowercase().as_str() {
        "byte" | "bytes" => 1,
        "kb" | "kilobyte" | "kilobytes" => 1 << 10,
        "mb" | "megabyte" | "megabytes" => 1 << 20,
        "gb" | "gigabyte" | "gigabytes" => 1 << 30,
        "tb" | "terabyte" | "terabytes" => 1 << 40,
        _ => return None,
    };
    parts.try_fold(base, |product: u64, part| {
        product
            .checked_mul(factor(part)?)
            .filter(|all| *all <= LARGEST)
    })
}

/// That many units in bytes; `None` where vSphere has no number for it.
pub(super) fn times(count: u64, unit: u64) -> Option<u64> {
    count.checked_mul(unit).filter(|all| *all <= LARGEST)
}

fn factor(text: &str) -> Option<u64> {
    let number = |text: &str| crate::number::count(text);
    match text.split_once('^') {
        None => number(text),
        Some((base, power)) => {
            let power = u32::try_from(number(power)?).ok()?;
            number(base)?.checked_pow(power)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (unit, expected) in [
            ("byte", Some(1)),
            ("byte * 2^20", Some(1 << 20)),
            ("byte*2^30", Some(1 << 30)),
            ("bytes * 10^9", Some(1_000_000_000)),
            ("byte * 512", Some(512)),
            ("byte * 2^10 * 2^10", Some(1 << 20)),
            ("GigaBytes", Some(1 << 30)),
            ("MegaBytes", Some(1 << 20)),
            ("byte * 2^62", Some(1 << 62)),
            ("byte * 2^63", None),
            ("byte * 2^99999999999", None),
            ("byte * 9999999^9", None),
            ("byte * 2^40 * 2^40", None),
            ("byte * ", None),
            ("byte * -1", None),
            ("hertz * 10^6", None),
            ("", None),
        ] {
            assert_eq!(bytes(unit), expected, "{unit}");
        }
        assert_eq!(times(1 << 33, 1 << 29), Some(1 << 62));
        assert_eq!(times(1 << 33, 1 << 30), None);
        assert_eq!(times(u64::MAX, u64::MAX), None);
    }
}
