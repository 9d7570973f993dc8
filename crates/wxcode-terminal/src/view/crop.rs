//! Chooses the part of a screen for a window.

/// The screen's column and row in the window's top left cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) left: usize,
    pub(super) top: usize,
}

impl Crop {
    /// Whether the window's columns and rows equal the screen's.
    pub(super) fn is_at_origin(self) -> bool {
        self == Self::default()
    }

    /// Moves as little as possible to keep the cursor visible; `screen`, `window` and `cursor` are
    /// columns and rows, the cursor within the screen.
    pub(super) fn follow(
        self,
        screen: (usize, usize),
        window: (usize, usize),
        cursor: (usize, usize),
    ) -> Self {
        Self {
            left: left(screen.0, window.0, cursor.0),
            top: top(self.top, screen.1, window.1, cursor.1),
        }
    }
}

/// Column 0 wherever the cursor permits, otherwise steps of half a window: typing then does not
/// move everything with each character.
fn left(screen: usize, window: usize, cursor: usize) -> usize {
    if cursor < window {
        return 0;
    }
    let step = (window / 2).max(1);
    let left = (cursor + 1 - window).div_ceil(step) * step;
    left.min(screen.saturating_sub(window))
}

fn top(now: usize, screen: usize, window: usize, cursor: usize) -> usize {
    let least = (cursor + 1).saturating_sub(window);
    now.clamp(least, cursor.max(least))
        .min(screen.saturating_sub(window))
}

#[cfg(test)]
mod tests {
    use super::Crop;

    #[test]
    fn a_fitting_screen_is_not_cropped() {
        for window in [(80, 24), (81, 25), (200, 100)] {
            let crop = Crop { left: 7, top: 9 }.follow((80, 24), window, (79, 23));
            assert!(crop.is_at_origin());
        }
    }

    #[test]
    fn rows_move_only_to_keep_the_cursor() {
        let (screen, window) = ((80, 24), (80, 10));
        let mut crop = Crop::default();
        for (row, top) in [(9, 0), (10, 1), (23, 14), (14, 14), (13, 13), (0, 0)] {
            crop = crop.follow(screen, window, (0, row));
            assert_eq!(crop.top, top, "the cursor in row {row}");
        }
        // After the screen has lost rows, the crop shows nothing past the screen's end.
        assert_eq!(
            Crop { left: 0, top: 14 }
                .follow((80, 12), window, (0, 11))
                .top,
            2
        );
    }

    #[test]
    fn columns_move_in_steps_for_the_cursor() {
        let (screen, window) = ((80, 24), (20, 24));
        let crop = Crop::default();
        for (column, left) in [(19, 0), (20, 10), (29, 10), (30, 20), (79, 60), (0, 0)] {
            assert_eq!(crop.follow(screen, window, (column, 0)).left, left);
        }
        for column in 0..80 {
            for width in 1..80 {
                let left = crop.follow(screen, (width, 24), (column, 0)).left;
                assert!((left..left + width).contains(&column));
                assert!(left + width <= 80);
            }
        }
    }
}
