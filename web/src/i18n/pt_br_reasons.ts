/** The obstacles and failures of commands by their code, in Brazilian Portuguese. */
import type { reasons as en } from "./en_reasons";

export const reasons: Record<keyof typeof en, string> = {
  "delivery.error.agent_ended": "O agente terminou antes de receber o comando. Inicie-o de novo e repita.",
  "delivery.error.cancelled": "Cancelado.",
  "delivery.error.conversation_held":
    "Outro processo do Claude executa esta conversa. Encerre-o e inicie a sessão de novo.",
  "delivery.error.declined": "O Claude Code não executou o comando: {detail}",
  "delivery.error.dialog": "Há um diálogo aberto: {detail}",
  "delivery.error.draft": "Há outro texto no prompt. Envie-o ou apague-o; o comando segue sozinho.",
  "delivery.error.elsewhere": "A conversa continua em outro lugar: {detail}",
  "delivery.error.hook_refused": "Um hook seu recusou o comando: {detail}",
  "delivery.error.in_run": "Uma execução está em andamento. Espere o fim ou pare-a.",
  "delivery.error.keyboard": "Alguém está digitando. O comando segue sozinho.",
  "delivery.error.milestone_gone": "O marco do comando foi encerrado ou excluído.",
  "delivery.error.no_hooks": "O Claude Code não executa os hooks do wxcode: {detail}",
  "delivery.error.no_prompt":
    "A tela do agente não mostra o prompt. Feche o que está aberto; o comando segue sozinho.",
  "delivery.error.no_room": "Todas as sessões estão em uso. O comando começa quando uma terminar.",
  "delivery.error.not_alone":
    "O comando foi digitado, mas não está sozinho no prompt. Veja o terminal antes de repetir.",
  "delivery.error.not_read": "O agente não leu o comando. Veja o terminal antes de repetir.",
  "delivery.error.not_ready": "O agente não ficou pronto. Veja o terminal e repita.",
  "delivery.error.not_reported":
    "O agente não confirmou o comando. Ele é desconhecido, ou o próprio Claude Code o executa e ele pode ter tido efeito. Veja o terminal antes de repetir.",
  "delivery.error.not_taken": "O agente não recebeu o comando. Veja o terminal e repita.",
  "delivery.error.start_failed": "O agente não pôde iniciar: {detail}",
  "delivery.error.usage_limit": "O limite de uso da conta foi atingido. O comando segue depois da renovação.",
  "delivery.error.workspace_missing": "A pasta do projeto sumiu. Traga-a de volta ou escolha outra pasta.",
};
