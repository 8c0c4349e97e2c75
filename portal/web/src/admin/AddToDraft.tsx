/** The end of a form whose change goes into the draft: what is wrong with it, and the two ways out. */
export function AddToDraft({ problem, onClose }: { problem?: string; onClose: () => void }) {
  return (
    <>
      {problem && (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
      <div className="dialog-foot">
        <button type="button" className="btn" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="btn btn-primary">
          Add to the draft
        </button>
      </div>
    </>
  );
}
