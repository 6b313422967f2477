//! What was answered lately, so that a question asked twice is answered once.
//!
//! The network may lose an answer, and then the question comes again; it may also bring a question twice, or late. A
//! claim that was acted on twice would lease a job to nobody.

use std::collections::{HashMap, VecDeque};

use async_nats::Subject;
use bytes::Bytes;

use super::wire::QuestionId;

/// Questions remembered: minutes of a busy lane.
const REMEMBERED: usize = 1 << 14;
/// Longer answers are to questions that change nothing and may be answered again.
const LONGEST_ANSWER_BYTES: usize = 16 << 10;

/// The questions of the last minutes.
#[derive(Default)]
pub(super) struct Answers {
    questions: HashMap<QuestionId, State>,
    order: VecDeque<QuestionId>,
}

enum State {
    /// It is being answered; those who asked so far.
    Asked(Vec<Subject>),
    /// It was answered.
    Answered(Bytes),
}

/// What to do about a question that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Answer it.
    New,
    /// It is being answered, and the answer goes to whoever asked.
    Pending,
    /// This is the answer.
    Answered(Bytes),
}

impl Answers {
    /// A question came from who waits at `reply`.
    pub(super) fn ask(&mut self, id: QuestionId, reply: Option<Subject>) -> Seen {
        match self.questions.get_mut(&id) {
            Some(State::Asked(replies)) => {
                replies.extend(reply);
                Seen::Pending
            }
            Some(State::Answered(answer)) => Seen::Answered(answer.clone()),
            None => {
                self.questions.insert(id, State::Asked(reply.into_iter().collect()));
                self.order.push_back(id);
                if self.order.len() > REMEMBERED {
                    if let Some(oldest) = self.order.pop_front() {
                        self.questions.remove(&oldest);
                    }
                }
                Seen::New
            }
        }
    }

    /// A question is answered; gives those who wait for that.
    pub(super) fn answer(&mut self, id: QuestionId, answer: &Bytes) -> Vec<Subject> {
        let kept = match answer.len() {
            0..=LONGEST_ANSWER_BYTES => self.questions.insert(id, State::Answered(answer.clone())),
            _ => self.questions.remove(&id),
        };
        match kept {
            Some(State::Asked(replies)) => replies,
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_once_and_to_all_who_asked() {
        let mut answers = Answers::default();
        let (id, answer) = (QuestionId(7), Bytes::from_static(b"yes"));
        assert_eq!(answers.ask(id, Some("a".into())), Seen::New);
        assert_eq!(answers.ask(id, Some("b".into())), Seen::Pending);
        assert_eq!(answers.answer(id, &answer), ["a".into(), "b".into()] as [Subject; 2]);
        assert_eq!(answers.ask(id, Some("c".into())), Seen::Answered(answer));
        assert_eq!(answers.ask(QuestionId(8), None), Seen::New);
    }

    #[test]
    fn memory_has_a_bound() {
        let mut answers = Answers::default();
        for id in 0..2 * REMEMBERED as u128 {
            answers.ask(QuestionId(id), None);
            answers.answer(QuestionId(id), &Bytes::from_static(b"yes"));
        }
        assert_eq!((answers.questions.len(), answers.order.len()), (REMEMBERED, REMEMBERED));
        let long = Bytes::from(vec![0; LONGEST_ANSWER_BYTES + 1]);
        assert_eq!(answers.ask(QuestionId(0), Some("a".into())), Seen::New, "the oldest are forgotten");
        assert_eq!(answers.answer(QuestionId(0), &long).len(), 1);
        assert_eq!(answers.ask(QuestionId(0), None), Seen::New, "long answers are given again");
    }
}
