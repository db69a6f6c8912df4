//! Bounds of the log: whatever is done to the daemon, its log does not fill the disk.
//!
//! Each place in the code that logs may, at level `info` and above, write [`BURST`] lines at once and then one each [`REFILL`]; the
//! further ones are counted, and the count is written with the next line of any place. A line has at most
//! [`MAX_LINE`] bytes, and a day's lines [`MAX_DAY`].

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::{self, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Lines that one place in the code may write at once.
pub const BURST: u32 = 200;

/// How long it takes until it may write one more.
pub const REFILL: Duration = Duration::from_secs(2);

/// Longest line in bytes; of a longer one its beginning is written.
pub const MAX_LINE: usize = 8 * 1024;

/// Bytes of one day; further lines of that day are dropped.
pub const MAX_DAY: u64 = 64 * 1024 * 1024;

/// How long lines are counted before their count is written.
const REPORT_AFTER: Duration = Duration::from_secs(5);

/// Longest beginning of a message that names the lines that were not written.
const MAX_NAME: usize = 160;

/// What one place has left.
struct Place {
    left: u32,
    refilled: Instant,
    withheld: Option<Withheld>,
}

/// Lines of one place that were not written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Withheld {
    count: u64,
    since: Instant,
    name: String,
}

/// The places, by their address in this program.
#[derive(Default)]
pub struct Limiter {
    places: Mutex<HashMap<usize, Place>>,
}

impl Limiter {
    /// Whether a place may write a line now. `name` is asked once for the lines that may not.
    fn may_write(&self, place: usize, now: Instant, name: impl FnOnce() -> String) -> bool {
        let mut places = self.lock();
        let place = places.entry(place).or_insert(Place {
            left: BURST,
            refilled: now,
            withheld: None,
        });
        let passed = now.saturating_duration_since(place.refilled).as_millis() / REFILL.as_millis();
        let more = u32::try_from(passed).unwrap_or(BURST).min(BURST);
        if more > 0 {
            place.left = (place.left + more).min(BURST);
            place.refilled = now;
        }
        if place.left > 0 {
            place.left -= 1;
            return true;
        }
        match &mut place.withheld {
            Some(withheld) => withheld.count += 1,
            None => {
                place.withheld = Some(Withheld {
                    count: 1,
                    since: now,
                    name: name(),
                });
            }
        }
        false
    }

    /// What is due to be said of lines that were not written.
    fn due(&self, now: Instant) -> Vec<Withheld> {
        let mut places = self.lock();
        let is_due = |withheld: &Withheld| now.duration_since(withheld.since) >= REPORT_AFTER;
        places
            .values_mut()
            .filter(|place| place.withheld.as_ref().is_some_and(is_due))
            .filter_map(|place| place.withheld.take())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a line comes from.
fn place_of(metadata: &'static Metadata<'static>) -> usize {
    std::ptr::from_ref(metadata).addr()
}

/// Lets pass what is important enough and within the bounds.
pub struct Bounded {
    level: LevelFilter,
    limiter: Arc<Limiter>,
}

impl Bounded {
    /// At a level.
    pub fn new(level: LevelFilter, limiter: Arc<Limiter>) -> Self {
        Self { level, limiter }
    }
}

impl<S: Subscriber> Layer<S> for Bounded {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // What is not written anyway is not counted either, and whoever has details written wants them.
        *metadata.level() > self.level.min(LevelFilter::INFO)
            || self
                .limiter
                .may_write(place_of(metadata), Instant::now(), || {
                    let mut message = Message(String::new());
                    event.record(&mut message);
                    message.0
                })
    }
}

/// The beginning of an event's message.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let mut text = format!("{value:?}");
            text.truncate(text.floor_char_boundary(MAX_NAME));
            self.0 = text;
        }
    }
}

/// The library's format, with what was not written said before the next line.
pub struct Counting {
    limiter: Arc<Limiter>,
    format: format::Format,
}

impl Counting {
    /// For the lines of a limiter.
    pub fn new(limiter: Arc<Limiter>) -> Self {
        Self {
            limiter,
            format: format::Format::default(),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Counting
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        for withheld in self.limiter.due(Instant::now()) {
            writeln!(
                writer,
                "{} {:>5} humanlayer::logging: {} more lines like {:?} were not written",
                jiff::Timestamp::now(),
                Level::WARN,
                withheld.count,
                withheld.name
            )?;
        }
        self.format.format_event(context, writer, event)
    }
}

/// Writes lines that are not too long, and not too many of them a day.
pub struct Capped<M> {
    inner: M,
    day: Arc<Mutex<Day>>,
}

/// What was written on a day.
#[derive(Default)]
struct Day {
    number: i64,
    bytes: u64,
}

impl<M> Capped<M> {
    /// Around another writer.
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            day: Arc::default(),
        }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Capped<M> {
    type Writer = CappedWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        CappedWriter {
            inner: self.inner.make_writer(),
            day: Arc::clone(&self.day),
        }
    }
}

/// The writer of one event.
pub struct CappedWriter<W> {
    inner: W,
    day: Arc<Mutex<Day>>,
}

impl<W: Write> Write for CappedWriter<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        const DAY_SECONDS: i64 = 24 * 3600;
        let line = capped(text);
        {
            let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
            let today = jiff::Timestamp::now().as_second() / DAY_SECONDS;
            if day.number != today {
                *day = Day {
                    number: today,
                    bytes: 0,
                };
            }
            if day.bytes >= MAX_DAY {
                return Ok(text.len());
            }
            day.bytes += line.len() as u64;
            if day.bytes >= MAX_DAY {
                self.inner
                    .write_all(b"the log of this day is full: nothing more of it is written\n")?;
                return Ok(text.len());
            }
        }
        self.inner.write_all(&line)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A line, or its beginning and how long it was.
fn capped(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let Some(beginning) = text.get(..MAX_LINE).filter(|_| text.len() > MAX_LINE) else {
        return text.into();
    };
    let mut line = String::from_utf8_lossy(beginning).into_owned();
    line.push_str(&format!("… ({} bytes)\n", text.len()));
    line.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> String {
        "refused".to_owned()
    }

    #[test]
    fn lines_of_one_place_are_counted_beyond_a_burst_and_the_count_is_said() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let written = (0..1000)
            .filter(|_| limiter.may_write(1, start, name))
            .count();
        assert_eq!(written, BURST as usize);
        assert!(
            limiter.may_write(2, start, name),
            "another place has its own"
        );
        assert!(limiter.due(start).is_empty());
        let later = start + REPORT_AFTER;
        let due = limiter.due(later);
        assert_eq!(
            due,
            [Withheld {
                count: 800,
                since: start,
                name: name()
            }]
        );
        assert!(limiter.due(later).is_empty());
        assert!(limiter.may_write(1, later, name), "it has filled meanwhile");
    }

    #[test]
    fn a_place_that_logs_on_and_on_writes_one_line_each_refill() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let hour = 3600_u64;
        let written = (0..hour * 10)
            .filter(|tenth| limiter.may_write(1, start + Duration::from_millis(tenth * 100), name))
            .count() as u64;
        let fair = u64::from(BURST) + hour / REFILL.as_secs();
        assert!(written <= fair && written >= fair - 1, "{written}");
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        assert_eq!(capped(b"short\n").as_ref(), b"short\n");
        let long = "ä".repeat(MAX_LINE);
        let line = String::from_utf8(capped(long.as_bytes()).into_owned()).unwrap_or_default();
        assert!(line.len() < MAX_LINE + 50);
        assert!(
            line.ends_with(&format!("… ({} bytes)\n", long.len())),
            "{line}"
        );
    }

    #[test]
    fn a_day_has_its_bound() {
        let written = Mutex::new(0_u64);
        struct Count<'a>(&'a Mutex<u64>);
        impl Write for Count<'_> {
            fn write(&mut self, text: &[u8]) -> io::Result<usize> {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) += text.len() as u64;
                Ok(text.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let capped = Capped::new(|| Count(&written));
        let line = [b'x'; MAX_LINE];
        for _ in 0..=MAX_DAY / MAX_LINE as u64 {
            assert!(capped.make_writer().write_all(&line).is_ok());
        }
        let written = *written.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(written <= MAX_DAY, "{written}");
    }
}
