//! A robust slope of a series: Theil–Sen, with Sen's interval from Kendall's rank statistic.

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.96;

/// The rise of a series per unit of the abscissa.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// The median of the slopes between all pairs of points.
    pub median: f64,
    /// The lower end of the 95 % interval; minus infinity for too few points.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Slope {
    /// The slope of points (x, y) in any order. `None` without two points that differ in x.
    #[must_use]
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        Self::within([points])
    }

    /// The common slope of several series with different starts: only points of the same series are
    /// compared. `None` without two points that differ in x.
    #[must_use]
    pub fn within<'a>(series: impl IntoIterator<Item = &'a [(f64, f64)]>) -> Option<Self> {
        let (mut slopes, mut variance) = (Vec::new(), 0.0);
        for points in series {
            let n = points.len() as f64;
            variance += n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
            for (i, (x, y)) in points.iter().enumerate() {
                for (other_x, other_y) in &points[i + 1..] {
                    if other_x != x {
                        slopes.push((other_y - y) / (other_x - x));
                    }
                }
            }
        }
        slopes.sort_by(f64::total_cmp);
        let count = slopes.len();
        let middle = count / 2;
        let median = match count % 2 {
            1 => *slopes.get(middle)?,
            _ => (slopes.get(middle.checked_sub(1)?)? + slopes.get(middle)?) / 2.0,
        };
        let reach = Z * variance.sqrt();
        // Ranks from 0, equally far from both ends; beyond the ends nothing is known.
        let high = ((count as f64 + reach) / 2.0).ceil();
        let low = count as f64 - 1.0 - high;
        let at = |rank: f64| {
            let is_rank = rank >= 0.0 && rank < count as f64;
            is_rank.then(|| slopes[rank as usize])
        };
        Some(Self {
            median,
            low: at(low).unwrap_or(f64::NEG_INFINITY),
            high: at(high).unwrap_or(f64::INFINITY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible noise between -1 and 1.
    fn noise(n: u32) -> f64 {
        f64::from(n.wrapping_mul(2_654_435_761) >> 8) / f64::from(1_u32 << 23) - 1.0
    }

    fn series(count: u32, y: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        (0..count).map(|n| (f64::from(n), y(n))).collect()
    }

    #[test]
    fn a_rise_shows_through_noise() {
        let rising = series(20, |n| {
            let outlier = if n % 7 == 3 { 500.0 } else { 0.0 };
            1_000.0 + 3.0 * f64::from(n) + 2.0 * noise(n) + outlier
        });
        let slope = Slope::of(&rising).unwrap();
        assert!(slope.low > 0.0, "{slope:?}");
        assert!((2.5..3.5).contains(&slope.median), "{slope:?}");
        assert!(slope.low <= 3.0 && slope.high >= 3.0, "{slope:?}");
    }

    #[test]
    fn noise_alone_has_zero_slope() {
        let flat = Slope::of(&series(20, |n| 1_000.0 + 50.0 * noise(n))).unwrap();
        assert!(flat.low < 0.0 && flat.high > 0.0, "{flat:?}");
        let constant = Slope::of(&series(20, |_| 7.0)).unwrap();
        assert_eq!(
            (constant.low, constant.median, constant.high),
            (0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn a_common_slope_ignores_offsets() {
        let all: Vec<_> = (0..8_u32)
            .map(|of| {
                let base = 5_000.0 * noise(of + 100);
                series(4, |n| base + 3.0 * f64::from(n) + 2.0 * noise(4 * of + n))
            })
            .collect();
        let slope = Slope::within(all.iter().map(Vec::as_slice)).unwrap();
        assert!(slope.low > 0.0 && slope.high < 6.0, "{slope:?}");
        assert!((2.0..4.0).contains(&slope.median), "{slope:?}");
        let flattened = Slope::of(&all.concat()).unwrap();
        assert!(flattened.low < -100.0, "{flattened:?}");
        assert_eq!(
            Slope::within([[(1.0, 2.0)].as_slice(), &[(2.0, 9.0)]]),
            None
        );
    }

    #[test]
    fn a_fall_is_found_like_a_rise() {
        for count in 2..40 {
            let rising = series(count, |n| 3.0 * f64::from(n) + 9.0 * noise(n));
            let falling: Vec<_> = rising.iter().map(|(x, y)| (*x, -y)).collect();
            let (up, down) = (Slope::of(&rising).unwrap(), Slope::of(&falling).unwrap());
            assert_eq!(
                (up.low, up.median, up.high),
                (-down.high, -down.median, -down.low),
                "{count} points"
            );
            // Five points in any order give no ends of the interval.
            assert_eq!(up.low.is_finite(), count > 5, "{count} points");
        }
    }

    #[test]
    fn few_points_give_a_wide_interval() {
        assert_eq!(Slope::of(&[]), None);
        assert_eq!(Slope::of(&[(1.0, 2.0)]), None);
        assert_eq!(Slope::of(&[(1.0, 2.0), (1.0, 3.0)]), None);
        let two = Slope::of(&[(0.0, 0.0), (2.0, 1.0)]).unwrap();
        assert_eq!((two.median, two.low), (0.5, f64::NEG_INFINITY));
    }
}
