package guard

const Threshold = threshold
