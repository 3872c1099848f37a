//! The clock of chat templates: `strftime_now(format)` with a time that the caller gives.

/// A time without a zone.
///
/// ```
/// use toklet::chat::Now;
/// let now = Now { year: 2026, month: 2, day: 3, hour: 14, minute: 5, second: 6, microsecond: 0 };
/// assert_eq!(now.format("%d %b %Y, %I:%M %p, %A, day %j"), "03 Feb 2026, 02:05 PM, Tuesday, day 034");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The year, from 1.
    pub year: u32,
    /// The month, 1 to 12.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The hour, 0 to 23.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The second.
    pub second: u32,
    /// The microsecond.
    pub microsecond: u32,
}

const MONTHS: [&str; 12] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Now {
    fn day_of_year(&self) -> u32 {
        let leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let months = usize::try_from(self.month.clamp(1, 12) - 1).unwrap_or(0);
        lengths[..months].iter().sum::<u32>() + self.day
    }

    /// The day of the week, 0 for Sunday.
    fn weekday(&self) -> u32 {
        let before = self.year.max(1) - 1;
        (before * 365 + before / 4 - before / 100 + before / 400 + self.day_of_year()) % 7
    }

    /// The time as `strftime` of the C locale writes it; what it doesn't know stays as it is.
    pub fn format(&self, format: &str) -> String {
        let (mut out, mut rest) = (String::new(), format.chars());
        let name = |names: &[&'static str], at: u32| usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default();
        let half = (self.hour + 11) % 12 + 1;
        while let Some(c) = rest.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let mut code = rest.next();
            let bare = code == Some('-');
            if bare {
                code = rest.next();
            }
            let number = |value: u32, width: usize| if bare { value.to_string() } else { format!("{value:0width$}") };
            let piece = match code {
                Some('Y') => self.year.to_string(),
                Some('y') => number(self.year % 100, 2),
                Some('m') => number(self.month, 2),
                Some('d') => number(self.day, 2),
                Some('e') => {
                    if bare {
                        self.day.to_string()
                    } else {
                        format!("{:>2}", self.day)
                    }
                }
                Some('H') => number(self.hour, 2),
                Some('I') => number(half, 2),
                Some('M') => number(self.minute, 2),
                Some('S') => number(self.second, 2),
                Some('f') => format!("{:06}", self.microsecond),
                Some('j') => number(self.day_of_year(), 3),
                Some('w') => self.weekday().to_string(),
                Some('u') => ((self.weekday() + 6) % 7 + 1).to_string(),
                Some('p') => if self.hour < 12 { "AM" } else { "PM" }.into(),
                Some('A') => name(&DAYS, self.weekday()).into(),
                Some('a') => name(&DAYS, self.weekday()).chars().take(3).collect(),
                Some('B') => name(&MONTHS, self.month.max(1) - 1).into(),
                Some('b' | 'h') => name(&MONTHS, self.month.max(1) - 1).chars().take(3).collect(),
                Some('F') => self.format("%Y-%m-%d"),
                Some('T' | 'X') => self.format("%H:%M:%S"),
                Some('R') => self.format("%H:%M"),
                Some('D' | 'x') => self.format("%m/%d/%y"),
                Some('c') => self.format("%a %b %e %H:%M:%S %Y"),
                Some('z' | 'Z') => String::new(),
                Some('%') => "%".into(),
                Some('n') => "\n".into(),
                Some('t') => "\t".into(),
                other => ['%'].into_iter().chain(bare.then_some('-')).chain(other).collect(),
            };
            out.push_str(&piece);
        }
        out
    }
}
