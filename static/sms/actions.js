/* What can be done with one message, beside reading it. */

const added = [];

/** Offer something for the messages that `isFor(message)` names; `run(message)` does it. */
export function addMessageAction(label, isFor, run) {
  added.push({ label, isFor, run });
}

/** Return what is offered for a message. */
export const actionsFor = (message) => added.filter((action) => action.isFor(message));
