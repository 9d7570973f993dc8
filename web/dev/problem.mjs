// An error of the mock server's API.
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}
