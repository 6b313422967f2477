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
                    self.forget_oldest();
                }
                Seen::New
            }
        }
    }

    /// A question is answered; gives those who wait for that. `again` says that it may as well be answered anew, since it
    /// changed nothing: then a long answer is not kept.
    pub(super) fn answer(&mut self, id: QuestionId, answer: &Bytes, again: bool) -> Vec<Subject> {
        let Some(known) = self.questions.get_mut(&id) else { return Vec::new() };
        let before = std::mem::replace(known, State::Answered(answer.clone()));
        if again && answer.len() > LONGEST_ANSWER_BYTES {
            self.questions.remove(&id);
        }
        match before {
            State::Asked(replies) => replies,
            State::Answered(_) => Vec::new(),
        }
    }

    /// What is being answered is not forgotten: its answer would go to nobody.
    fn forget_oldest(&mut self) {
        for _ in 0..self.order.len() {
            let Some(oldest) = self.order.pop_front() else { return };
            if !matches!(self.questions.get(&oldest), Some(State::Asked(_))) {
                self.questions.remove(&oldest);
                return;
            }
            self.order.push_back(oldest);
        }
    }

    /// A question was not taken up; when it comes again it is new.
    pub(super) fn forget(&mut self, id: QuestionId) {
        self.questions.remove(&id);
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
        assert_eq!(answers.answer(id, &answer, true), ["a".into(), "b".into()] as [Subject; 2]);
        assert_eq!(answers.ask(id, Some("c".into())), Seen::Answered(answer));
        assert_eq!(answers.ask(QuestionId(8), None), Seen::New);
    }

    #[test]
    fn memory_has_a_bound() {
        let mut answers = Answers::default();
        for id in 0..2 * REMEMBERED as u128 {
            answers.ask(QuestionId(id), None);
            answers.answer(QuestionId(id), &Bytes::from_static(b"yes"), true);
        }
        assert_eq!((answers.questions.len(), answers.order.len()), (REMEMBERED, REMEMBERED));
        let long = Bytes::from(vec![0; LONGEST_ANSWER_BYTES + 1]);
        assert_eq!(answers.ask(QuestionId(0), Some("a".into())), Seen::New, "the oldest are forgotten");
        assert_eq!(answers.answer(QuestionId(0), &long, true).len(), 1);
        assert_eq!(answers.ask(QuestionId(0), None), Seen::New, "long answers are given again");
        answers.answer(QuestionId(0), &long, false);
        assert_eq!(answers.ask(QuestionId(0), None), Seen::Answered(long), "but not those to what changed something");
    }

    #[test]
    fn what_is_being_answered_is_not_forgotten() {
        let mut answers = Answers::default();
        answers.ask(QuestionId(0), Some("a".into()));
        for id in 1..2 * REMEMBERED as u128 {
            answers.ask(QuestionId(id), None);
            answers.answer(QuestionId(id), &Bytes::new(), true);
        }
        assert_eq!(answers.answer(QuestionId(0), &Bytes::new(), true), ["a".into()] as [Subject; 1]);
        answers.ask(QuestionId(1), Some("a".into()));
        answers.forget(QuestionId(1));
        assert_eq!(answers.answer(QuestionId(1), &Bytes::new(), true).len(), 0);
        assert_eq!(answers.ask(QuestionId(1), None), Seen::New);
    }
}
